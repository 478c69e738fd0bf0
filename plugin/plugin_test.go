package plugin_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/hyperledger/fabric/bccsp/sw"
	"github.com/hyperledger/fabric/common/metrics/disabled"
	"github.com/hyperledger/fabric/orderer/consensus"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/consenter"
	"github.com/fabric-kafka/orderer/plugin"
)

// host returns what an orderer's main gives, with this section Kafka.
func host(t *testing.T, section map[string]any) plugin.Host {
	crypto, err := sw.NewDefaultSecurityLevelWithKeystore(sw.NewDummyKeyStore())
	checktest.Must(t, err)
	return plugin.Host{Consensus: map[string]any{"Kafka": section}, Metrics: &disabled.Provider{}, Crypto: crypto}
}

func TestRegisterAddsTheConsenter(t *testing.T) {
	other := struct{ consensus.Consenter }{}
	consenters := map[string]consensus.Consenter{"etcdraft": other}
	checktest.Must(t, plugin.Register(consenters, host(t, nil)))
	if len(consenters) != 2 {
		t.Fatalf("got %v, want 2 of them", consenters)
	}
	if _, ok := consenters["etcdraft"].(*consenter.Shared); !ok {
		t.Errorf("%T has the channels of type etcdraft that are ordered through Kafka", consenters["etcdraft"])
	}
	// The registrar panics over a consenter that does not implement it.
	if _, ok := consenters["kafka"].(consensus.ClusterConsenter); !ok {
		t.Errorf("%T does not implement consensus.ClusterConsenter", consenters["kafka"])
	}
}

// An orderer of Fabric 2.5 with a system channel of type kafka has no Raft. It must start on a channel of the shared type
// all the same.
func TestRegisterWithoutRaft(t *testing.T) {
	consenters := map[string]consensus.Consenter{}
	checktest.Must(t, plugin.Register(consenters, host(t, nil)))
	if _, ok := consenters["etcdraft"].(*consenter.Shared); !ok || len(consenters) != 2 {
		t.Errorf("got %v, want 2 of them", consenters)
	}
}

func TestRegisterRefusesASecondOne(t *testing.T) {
	other := struct{ consensus.Consenter }{}
	consenters := map[string]consensus.Consenter{plugin.Type: other}
	checktest.Fails(t, plugin.Register(consenters, host(t, nil)), `has a consenter for "kafka" already`)
	if !reflect.DeepEqual(consenters[plugin.Type], other) {
		t.Fatalf("consenters[plugin.Type] is %v, want %v", consenters[plugin.Type], other)
	}
}

func TestRegisterNamesAllFaults(t *testing.T) {
	consenters := map[string]consensus.Consenter{}
	err := plugin.Register(consenters, host(t, map[string]any{"Color": "red", "ClientID": "?"}))
	checktest.Fails(t, err, "kafka plugin "+plugin.Version+": orderer.yaml, or an environment variable")
	checktest.Fails(t, err, "Consensus.Kafka.Color is not a key")
	checktest.Fails(t, err, "Consensus.Kafka.ClientID is")
	if len(consenters) != 0 {
		t.Fatalf("got %v, want nothing", consenters)
	}
}

func TestJoinsAreCheckedOnceTheRegistrarHasStarted(t *testing.T) {
	consenters := map[string]consensus.Consenter{}
	plugin.Started(consenters) // a main that registers nothing
	checktest.Must(t, plugin.Register(consenters, host(t, nil)))
	cluster := consenters["kafka"].(consensus.ClusterConsenter)
	_, err := cluster.IsChannelMember(nil)
	checktest.Must(t, err)
	plugin.Started(consenters)
	_, err = cluster.IsChannelMember(nil)
	if err == nil {
		t.Fatal("got no error")
	}
}

// Fabric looks for orderer.yaml in FABRIC_CFG_PATH, then in the working directory.
func TestFilesAreRelativeToOrdererYAML(t *testing.T) {
	configured, working := t.TempDir(), t.TempDir()
	t.Setenv("FABRIC_CFG_PATH", configured)
	t.Chdir(working)
	section := map[string]any{"SASL": map[string]any{"Mechanism": "PLAIN", "User": "a", "PasswordFile": "password"}}
	register := func(h plugin.Host) error { return plugin.Register(map[string]consensus.Consenter{}, h) }

	write(t, working, "orderer.yaml")
	checktest.Fails(t, register(host(t, section)), "open password:")
	write(t, working, "password")
	checktest.Must(t, register(host(t, section)))

	write(t, configured, "orderer.yml")
	checktest.Fails(t, register(host(t, section)), "open "+filepath.Join(configured, "password"))
	write(t, configured, "password")
	checktest.Must(t, register(host(t, section)))

	checktest.Must(t, os.WriteFile(filepath.Join(configured, "orderer.yml"), []byte("Consensus: {Kafka: {Health: off}, Kafka: }"), 0o600))
	checktest.Fails(t, register(host(t, section)), "Consensus.Kafka is given 2 times in "+filepath.Join(configured, "orderer.yml"))
	checktest.Must(t, os.Remove(filepath.Join(configured, "orderer.yml")))

	given := host(t, section)
	given.ConfigDir = "/given"
	checktest.Fails(t, register(given), "open /given/password")
}

func write(t *testing.T, dir, name string) {
	checktest.Must(t, os.WriteFile(filepath.Join(dir, name), []byte("content"), 0o600))
}
