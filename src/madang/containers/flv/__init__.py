"""Flash Video as RTMP and HTTP-FLV carry it: tags, AMF, tag bodies, Enhanced RTMP v2 included."""
