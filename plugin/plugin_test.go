package plugin_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hyperledger/fabric/bccsp/sw"
	"github.com/hyperledger/fabric/common/metrics/disabled"
	"github.com/hyperledger/fabric/orderer/consensus"
	"github.com/stretchr/testify/require"

	"github.com/fabric-kafka/orderer/plugin"
)

// host returns what an orderer's main gives, with this section Kafka.
func host(t *testing.T, section map[string]any) plugin.Host {
	crypto, err := sw.NewDefaultSecurityLevelWithKeystore(sw.NewDummyKeyStore())
	require.NoError(t, err)
	return plugin.Host{Consensus: map[string]any{"Kafka": section}, Metrics: &disabled.Provider{}, Crypto: crypto}
}

func TestRegisterAddsTheConsenter(t *testing.T) {
	other := struct{ consensus.Consenter }{}
	consenters := map[string]consensus.Consenter{"etcdraft": other}
	require.NoError(t, plugin.Register(consenters, host(t, nil)))
	require.Len(t, consenters, 2)
	require.Equal(t, other, consenters["etcdraft"])
	// The registrar panics over a consenter that does not implement it.
	require.Implements(t, (*consensus.ClusterConsenter)(nil), consenters["kafka"])
}

func TestRegisterRefusesASecondOne(t *testing.T) {
	other := struct{ consensus.Consenter }{}
	consenters := map[string]consensus.Consenter{plugin.Type: other}
	require.ErrorContains(t, plugin.Register(consenters, host(t, nil)), `has a consenter for "kafka" already`)
	require.Equal(t, other, consenters[plugin.Type])
}

func TestRegisterNamesAllFaults(t *testing.T) {
	consenters := map[string]consensus.Consenter{}
	err := plugin.Register(consenters, host(t, map[string]any{"Colour": "red", "ClientID": "?"}))
	require.ErrorContains(t, err, "kafka plugin "+plugin.Version+": orderer.yaml, or an environment variable")
	require.ErrorContains(t, err, "Consensus.Kafka.Colour is not a key")
	require.ErrorContains(t, err, "Consensus.Kafka.ClientID is")
	require.Empty(t, consenters)
}

func TestJoinsAreCheckedOnceTheRegistrarHasStarted(t *testing.T) {
	consenters := map[string]consensus.Consenter{}
	plugin.Started(consenters) // a main that registers nothing
	require.NoError(t, plugin.Register(consenters, host(t, nil)))
	cluster := consenters["kafka"].(consensus.ClusterConsenter)
	_, err := cluster.IsChannelMember(nil)
	require.NoError(t, err)
	plugin.Started(consenters)
	_, err = cluster.IsChannelMember(nil)
	require.Error(t, err)
}

// Fabric looks for orderer.yaml in FABRIC_CFG_PATH, then in the working directory.
func TestFilesAreRelativeToOrdererYAML(t *testing.T) {
	configured, working := t.TempDir(), t.TempDir()
	t.Setenv("FABRIC_CFG_PATH", configured)
	t.Chdir(working)
	section := map[string]any{"SASL": map[string]any{"Mechanism": "PLAIN", "User": "a", "PasswordFile": "password"}}
	register := func(h plugin.Host) error { return plugin.Register(map[string]consensus.Consenter{}, h) }

	write(t, working, "orderer.yaml")
	require.ErrorContains(t, register(host(t, section)), "open password:")
	write(t, working, "password")
	require.NoError(t, register(host(t, section)))

	write(t, configured, "orderer.yml")
	require.ErrorContains(t, register(host(t, section)), "open "+filepath.Join(configured, "password"))
	write(t, configured, "password")
	require.NoError(t, register(host(t, section)))

	require.NoError(t, os.WriteFile(filepath.Join(configured, "orderer.yml"), []byte("Consensus: {Kafka: {Health: off}, Kafka: }"), 0o600))
	require.ErrorContains(t, register(host(t, section)), "Consensus.Kafka is given 2 times in "+filepath.Join(configured, "orderer.yml"))
	require.NoError(t, os.Remove(filepath.Join(configured, "orderer.yml")))

	given := host(t, section)
	given.ConfigDir = "/given"
	require.ErrorContains(t, register(given), "open /given/password")
}

func write(t *testing.T, dir, name string) {
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("content"), 0o600))
}
