// The resource types and data sources that the provider has.
#ifndef COUNTERSIGN_TESTS_PROVIDER_CATALOG_H_
#define COUNTERSIGN_TESTS_PROVIDER_CATALOG_H_

#include <string>
#include <vector>

#include "tests/provider/schema.h"

namespace countersign::provider {

// Of the block `provider "aws"`.
const Block& ProviderBlock();

const std::vector<ResourceType>& ResourceTypes();
const std::vector<ResourceType>& DataSources();

// nullptr if there is none.
const ResourceType* FindType(const std::vector<ResourceType>& types, const std::string& name);

}  // namespace countersign::provider

#endif  // COUNTERSIGN_TESTS_PROVIDER_CATALOG_H_
