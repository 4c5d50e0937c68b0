"""weft volume …"""
