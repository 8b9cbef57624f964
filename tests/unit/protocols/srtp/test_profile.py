"""Key derivation: the vectors of RFC 3711 appendix B.3, and the split of what DTLS exports."""

from madang.protocols.srtp.profile import Label, Master, Profile, derive

MASTER = Master(
    bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE4139"), bytes.fromhex("0EC675AD498AFEEBB6960B3AABE6")
)


def test_the_vectors_of_rfc_3711() -> None:
    assert derive(MASTER, Label.RTP_KEY, 16).hex() == "c61e7a93744f39ee10734afe3ff7a087"
    assert derive(MASTER, Label.RTP_SALT, 14).hex() == "30cbbc08863d8c85d49db34a9ae1"
    authentication = derive(MASTER, Label.RTP_AUTHENTICATION, 94).hex()
    assert authentication.startswith("cebe321f6ff7716b6fd4ab49af256a156d38baa4")
    assert authentication.endswith("6b68642c59bbfc2f34db60dbdfb2")


def test_labels_give_different_keys() -> None:
    assert len({derive(MASTER, label, 16) for label in Label}) == 6


def test_the_exporter_is_split_client_first() -> None:
    exported = bytes(range(Profile.GCM.exported_bytes))
    client, server = Profile.GCM.split(exported)
    assert (client.key, client.salt) == (exported[:16], exported[32:44])
    assert (server.key, server.salt) == (exported[16:32], exported[44:56])
    assert Profile.CM.exported_bytes == 60
