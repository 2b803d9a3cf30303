"""What carries commands out, and takes a changed configuration up."""
