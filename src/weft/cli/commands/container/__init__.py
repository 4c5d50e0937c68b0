"""weft container …"""
