package containers_test

import (
	"path/filepath"
	"testing"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

// The kit's scripts have no fault that shellcheck knows.
func TestScripts(t *testing.T) {
	n := newNetwork(t)
	scripts := []string{"compose", "genesis", "join", "channel-type", "sweep"}
	more, err := filepath.Glob(filepath.Join(n.kit, "*.sh"))
	checktest.Must(t, err)
	for i, name := range scripts {
		scripts[i] = filepath.Join(n.kit, name)
	}
	_, err = n.run(nil, "shellcheck", append([]string{"--external-sources", "--source-path", n.kit}, append(scripts, more...)...)...)
	checktest.Must(t, err)
}
