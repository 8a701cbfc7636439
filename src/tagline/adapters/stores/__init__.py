"""Object stores: the port ObjectStore on S3, folders and fsspec; DVC's configuration of this machine."""
