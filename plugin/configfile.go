package plugin

import (
	"os"
	"path/filepath"

	"github.com/hyperledger/fabric/common/viperutil"
)

// configFile returns the path of the orderer.yaml that the orderer reads: the one in the
// first of FABRIC_CFG_PATH, the working directory and /etc/hyperledger/fabric that has
// one. The orderer's own relative files are relative to its folder. Empty if there is
// none.
func configFile() string {
	for _, dir := range viperutil.ConfigPaths() {
		for _, name := range []string{"orderer.yaml", "orderer.yml"} {
			if file := filepath.Join(dir, name); exists(file) {
				return file
			}
		}
	}
	return ""
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
