// Keys and certificates that never change, made with other tools than the code under test.
#ifndef COUNTERSIGN_TESTS_UNIT_CORE_TEST_KEYS_H_
#define COUNTERSIGN_TESTS_UNIT_CORE_TEST_KEYS_H_

namespace countersign::jws {

// The key of RFC 7515, appendix A.3, as PKCS #8 and as SEC 1.
inline constexpr char kRfcKeyPem[] = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff
H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp
7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt
-----END PRIVATE KEY-----
)";
inline constexpr char kRfcKeySec1Pem[] = R"(-----BEGIN EC PRIVATE KEY-----
MHcCAQEEII6bEJ5xkJi/mASH3x9dd+nLKWBuvtImO19XwhPfhPSyoAoGCCqGSM49
AwEHoUQDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72b
focs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==
-----END EC PRIVATE KEY-----
)";
inline constexpr char kRfcKeyX[] = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
inline constexpr char kRfcKeyY[] = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
inline constexpr char kRfcKeyId[] = "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U";

// The same key with one bit of its private half turned, so that the halves do not match.
inline constexpr char kMismatchedKeyPem[] = R"(-----BEGIN EC PRIVATE KEY-----
MHcCAQEEII6bEJ5xkJi/mASH3x9dd+nLKWBuvtImO19XwhPfhPSzoAoGCCqGSM49AwEHoUQDQgAE
f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2K
RiMohYjlrQ==
-----END EC PRIVATE KEY-----
)";
inline constexpr char kEncryptedKeyPem[] = R"(-----BEGIN ENCRYPTED PRIVATE KEY-----
MIH0MF8GCSqGSIb3DQEFDTBSMDEGCSqGSIb3DQEFDDAkBBCm6JAmlu4Wxia15uBk
cQjUAgIIADAMBggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBKgQQ93B2xOUi9Wes5Ij9
P3F10ASBkHTvPUUAxiYxz49mMB39p6iR82X7FRMcBcRdz3QZp8TvTe4IKZHodc5q
OOvYxBOhUEm4h/TCxp4Ghapej8BNUYEqOcsheYfbrfkaOO2IthVpYzUntjhNz5DD
GuvNFvblM8nHOUpsfDPAhqqM1IWm2Bu0iYCj6Gf+xEPrYTiL0mSj0/FncJ0VXFc8
UrTxhYyvzw==
-----END ENCRYPTED PRIVATE KEY-----
)";
inline constexpr char kP384KeyPem[] = R"(-----BEGIN PRIVATE KEY-----
MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDCyjI7uxL2mgS2LGnD8
DT+8HLrr2uvj9G7hFyFjq2u/XNOgVLLWvnG0aGUmsPVKdPyhZANiAAQe44CliCyL
nbs9sRqXE0VZ0FvwmVB5N0xXkq4/0FMLv06DhMOUSKOucA2wR+rp19hgzOf40aWk
3J0ufqx+rz6BqlCI/fNzlD4WYYCnLkk+8jQoqKrTMuvN5//iU0JCFlQ=
-----END PRIVATE KEY-----
)";
inline constexpr char kSecp256k1KeyPem[] = R"(-----BEGIN PRIVATE KEY-----
MIGEAgEAMBAGByqGSM49AgEGBSuBBAAKBG0wawIBAQQg4FGYa6b5h0ugwLhoHsAZ
I+uedwX8TLN7aKpwRQT232ahRANCAASj8RY8cI2l1ApcHhShZN0GhQga8LNbk2NG
vXhJydwDNSRSaeBSPJpMw/oH6lRo2pW5OagH11/tRmVj0tmscbd8
-----END PRIVATE KEY-----
)";
inline constexpr char kEd25519KeyPem[] = R"(-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIKAve7LYGFNwRn5ZrvF9C2DeO+H1AaRsMLRPXwHXH3BZ
-----END PRIVATE KEY-----
)";

inline constexpr char kCertificatePem[] = R"(-----BEGIN CERTIFICATE-----
MIIBdTCCARugAwIBAgIUO3ULgzrwSBq+RzRp9XoKbQR1hBowCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjEwMzI0MjlaGA8yMTI2MTAyODAzMjQy
OVowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABM6h
Np0L7IPJ+ImY0sBE/B9HXicTVkcFv9l9LqjjJ0MpPqonlpRCPZdLvazVOfynudJ/
uS8J7/SNIlyMb8tmS/KjUzBRMB0GA1UdDgQWBBQJhVlCgwBeuo3ztOm0A8FDmE79
HzAfBgNVHSMEGDAWgBQJhVlCgwBeuo3ztOm0A8FDmE79HzAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0gAMEUCIC/8A/HDdDga2SAx+is4j3K2uO80DKiINIbK
3RLhg+csAiEAwMF0TUbl8D1w3VAjok9AAY/5RLJFRCZ4yTKMLpcOrvk=
-----END CERTIFICATE-----
)";
inline constexpr char kCertificateThumbprint[] = "Kn71Zk3ICS44mGBHItP8g5J0eOCnK3XZOs5_iY0WmtM";

}  // namespace countersign::jws

#endif  // COUNTERSIGN_TESTS_UNIT_CORE_TEST_KEYS_H_
