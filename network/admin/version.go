package admin

import (
	"fmt"
	"runtime/debug"

	"github.com/hyperledger/fabric/common/metadata"

	"github.com/fabric-kafka/orderer/plugin"
)

// version returns the plugin's version and commit, which the builder sets, and the release of
// Fabric whose code is compiled in. That is not the release of the orderers that the tool works with.
func version() string {
	return fmt.Sprintf("%s, commit %s, compiled with Fabric %s", plugin.Version, metadata.CommitSHA, fabricRelease())
}

func fabricRelease() string {
	const module = "github.com/hyperledger/fabric"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, m := range info.Deps {
		if m.Path == module {
			return m.Version
		}
	}
	return "unknown"
}
