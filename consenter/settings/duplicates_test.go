package settings

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

// The orderer's parser silently uses the last of two keys: a TLS section above the one of the sample
// would be off.
func TestDuplicatesAreNamed(t *testing.T) {
	const secured = "    TLS: {Enabled: true}\n"
	for name, c := range map[string]struct{ yaml, fault string }{
		"a section":        {"Consensus:\n  Kafka:\n" + secured + "    TLS: {Enabled: false}\n", "Consensus.Kafka.TLS is given 2 times"},
		"a key":            {"Consensus: {Kafka: {TLS: {Enabled: true, RootCAs: [a], Enabled: false}}}\n", "Consensus.Kafka.TLS.Enabled is given 2 times"},
		"the whole":        {"Consensus:\n  Kafka:\n" + secured + "  WALDir: x\n  Kafka:\n    ClientID: a\n", "Consensus.Kafka is given 2 times"},
		"all of Consensus": {"Consensus:\n  Kafka:\n" + secured + "General: {}\nConsensus:\n  WALDir: x\n", "Consensus is given 2 times"},
		"in another case":  {"Consensus:\n  Kafka:\n" + secured + "  KAFKA: {}\n", "Consensus.KAFKA is given 2 times"},
		"three times":      {"Consensus: {Kafka: {Health: off, Health: off, Health: off}}\n", "Consensus.Kafka.Health is given 3 times"},
	} {
		file := filepath.Join(t.TempDir(), "orderer.yaml")
		checktest.Must(t, os.WriteFile(file, []byte(c.yaml), 0o600))
		if got := fmt.Sprint(Duplicates(file)); got != c.fault+" in "+file+"; the orderer reads only one of them; want it once" {
			t.Fatalf("%v: got %q, want %q", name, got, c.fault+" in "+file+"; the orderer reads only one of them; want it once")
		}
	}
}

func TestKeysOfOthersMayBeDuplicates(t *testing.T) {
	file := filepath.Join(t.TempDir(), "orderer.yaml")
	for _, yaml := range []string{"", "- list\n", "General: {a: 1, a: 2}\nConsensus: {WALDir: x, WALDir: y, Kafka: }\n", "Consensus: text\n", ordererYAML,
		"x: &a {Kafka: {ClientID: b}}\nConsensus:\n  <<: *a\n"} {
		checktest.Must(t, os.WriteFile(file, []byte(yaml), 0o600))
		if err := Duplicates(file); err != nil {
			t.Fatalf("%v: %v", yaml, err)
		}
	}
	checktest.Must(t, Duplicates(""))
}

func TestUnreadableConfigFileIsNamed(t *testing.T) {
	checktest.Fails(t, Duplicates("/none/orderer.yaml"), "open /none/orderer.yaml: no such file")
}
