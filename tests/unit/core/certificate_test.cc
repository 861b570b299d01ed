#include "core/jws/certificate.h"

#include <gmock/gmock.h>

#include <string>

#include "tests/support/status_matchers.h"
#include "tests/unit/core/test_keys.h"

namespace countersign::jws {
namespace {

using ::countersign::testing::HasReason;
using ::countersign::testing::IsOkAndHolds;

// The expected thumbprint was computed with the openssl program and Python.
TEST(CertificateTest, ThumbprintIsTheSha256OfTheDer) {
  EXPECT_THAT(CertificateThumbprint(kCertificatePem), IsOkAndHolds(kCertificateThumbprint));
}

TEST(CertificateTest, ThumbprintIsOfTheFirstCertificateOfAChain) {
  const std::string chain = std::string("some words\n") + kRfcKeyPem + kCertificatePem + kCertificatePem;
  EXPECT_THAT(CertificateThumbprint(chain), IsOkAndHolds(kCertificateThumbprint));
}

TEST(CertificateTest, RefusesWhatIsNoCertificate) {
  std::string cut = kCertificatePem;
  cut.erase(100, 64);
  for (const std::string& pem : {std::string(), std::string("nonsense"), std::string(kRfcKeyPem), cut}) {
    EXPECT_THAT(CertificateThumbprint(pem), HasReason(v1::INVALID_FIELD));
  }
}

}  // namespace
}  // namespace countersign::jws
