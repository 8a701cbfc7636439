"""What tags start, who is told, what is deployed."""
