"""weft network …"""
