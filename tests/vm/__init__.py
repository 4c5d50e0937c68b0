"""Tests in a virtual machine with the kernel that Debian ships."""
