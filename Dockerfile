# The image that the GitHub Action and the GitLab components run. It serves every store.
#
#     docker build --tag tagline .
#
# Behind a proxy with certificates of its own: a BASE that trusts them, and --build-arg PIP_CERT=FILE, its bundle there.
ARG BASE=debian:trixie-slim

# ---- Build: dependencies exactly as locked, Tagline's own wheel. Nothing of this stage but two folders is kept.
FROM $BASE AS build
ARG DEBIAN_FRONTEND=noninteractive
ARG PIP_CERT
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_QUIET=1
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends binutils ca-certificates python3-pip python3-venv >/dev/null

# git depends on perl, which is larger than all of git; only a few of its scripts, none of which is used here, call it. An
# empty package stands in, so that apt is content, also in images made from this one, where perl can still be installed.
RUN mkdir -p /without-perl/DEBIAN \
 && printf '%s\n' 'Package: tagline-without-perl' 'Version: 1' 'Architecture: all' 'Multi-Arch: foreign' \
    'Maintainer: The Tagline authors <noreply@users.noreply.github.com>' 'Provides: perl, liberror-perl' \
    'Description: Stands in for perl, which git depends on' >/without-perl/DEBIAN/control \
 && dpkg-deb --build /without-perl /without-perl.deb >/dev/null

COPY .ci/image.lock /locks/
# Debug symbols, tests and the descriptions of four hundred services of AWS are half of what comes. Those kept are S3 and
# what botocore asks for credentials. Precompiled, because a container begins without any cache.
RUN python3 -m venv --without-pip /opt/tagline \
 && pip --python /opt/tagline/bin/python3 install --require-hashes --only-binary :all: --no-compile -r /locks/image.lock \
 && cd /opt/tagline/lib/python3*/site-packages \
 && find botocore/data boto3/data -mindepth 1 -maxdepth 1 -type d \
    ! -name s3 ! -name signin ! -name sso ! -name sso-oidc ! -name sts -exec rm -r {} + \
 && find . -depth -type d \( -name test -o -name tests \) -exec rm -r {} + \
 && find . -name '*.so' -exec strip --strip-unneeded {} + \
 && find /opt/tagline/bin -mindepth 1 ! -name 'python*' -delete \
 && python3 -m compileall -q --invalidation-mode unchecked-hash .

COPY .ci/image-build.lock /locks/
RUN python3 -m venv --without-pip /build \
 && pip --python /build/bin/python3 install --require-hashes --only-binary :all: -r /locks/image-build.lock

COPY pyproject.toml README.md LICENSE /source/
COPY schemas /source/schemas
COPY docs/examples /source/docs/examples
COPY src /source/src
# -I: what lies in the workspace (yaml.py, sitecustomize.py) or in PYTHONPATH is never imported. -B: nothing is written.
RUN pip --python /build/bin/python3 wheel --no-build-isolation --no-deps --wheel-dir /wheels /source \
 && site=$(/opt/tagline/bin/python3 -c 'import sysconfig; print(sysconfig.get_path("purelib"))') \
 && pip install --no-deps --no-index --no-compile --target "/tagline$site" /wheels/*.whl \
 && rm -r "/tagline$site/bin" "/tagline$site/tagline_localforge" \
 && python3 -m compileall -q --invalidation-mode unchecked-hash -s /tagline -p / "/tagline$site" \
 && mkdir -p /tagline/usr/local/bin \
 && printf '%s\n' '#!/opt/tagline/bin/python3 -IB' 'import sys' 'from tagline.cli.main import main' 'sys.exit(main())' \
    >/tagline/usr/local/bin/tagline \
 && chmod 755 /tagline/usr/local/bin/tagline

# ---- The image.
FROM $BASE
ARG DEBIAN_FRONTEND=noninteractive
COPY --from=build /without-perl.deb /tmp/
# Of git too what nothing here uses. The local forge and the demo stay out: jobs need none.
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends \
    /tmp/without-perl.deb ca-certificates git openssh-client python3 >/dev/null \
 && cd /usr/lib/git-core && rm git-daemon git-http-backend git-http-push git-imap-send git-shell scalar /usr/bin/git-shell /usr/bin/scalar \
 && rm -rf /usr/lib/python3*/test /usr/lib/python3*/pydoc_data /tmp/* \
    /var/lib/apt/lists/* /var/cache/debconf/*-old /var/log/apt /var/log/*.log

COPY --from=build /opt/tagline /opt/tagline
COPY --from=build /tagline /

# Python started by hand in a workspace, for which the -I above does not hold, looks for modules elsewhere too.
ENV LANG=C.UTF-8 PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1

ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Tagline" \
      org.opencontainers.image.description="A Git-native model registry that runs inside CI: versions and stages are annotated tags, decisions are pull requests." \
      org.opencontainers.image.source="https://github.com/tagline-dev/tagline" \
      org.opencontainers.image.documentation="https://github.com/tagline-dev/tagline#readme" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"

# No USER and no WORKDIR: GitHub's runner mounts what belongs to others, and sets both.
# A process that is a container's first does not die of SIGTERM; Python understands SIGINT.
STOPSIGNAL SIGINT
ENTRYPOINT ["tagline"]
