"""weft system …"""
