package plugin

import (
	"os"
	"path/filepath"

	"github.com/hyperledger/fabric/common/viperutil"
)

// configDir is the folder of the orderer.yaml that the orderer reads: the first
// of FABRIC_CFG_PATH, the working directory and /etc/hyperledger/fabric that
// has one. The orderer takes its own relative files from there. Empty if there
// is none.
func configDir() string {
	for _, dir := range viperutil.ConfigPaths() {
		for _, name := range []string{"orderer.yaml", "orderer.yml"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				return dir
			}
		}
	}
	return ""
}
