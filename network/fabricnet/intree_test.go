package fabricnet

import (
	"slices"
	"testing"
)

// An orderer reads only those environment variables whose keys are in its file; samples newer than Fabric 2.5 have no
// section for the in-tree consenter.
func TestInTreeSection(t *testing.T) {
	all := tree{}
	addInTreeSection(all)
	topic := all["Kafka"].(tree)["Topic"].(tree)
	if topic["ReplicationFactor"] == nil {
		t.Fatalf("the section is %v, want a replication factor in it", all["Kafka"])
	}
	all = tree{"Kafka": "as it was"}
	addInTreeSection(all)
	if all["Kafka"] != "as it was" {
		t.Fatalf("the sample's own section became %v", all["Kafka"])
	}
}

func TestProfiledOrderersHaveOnePortMore(t *testing.T) {
	o := Options{Profiled: true, Environment: []string{"GOGC=100"}}.withDefaults()
	n := &Network{options: o, dir: t.TempDir()}
	second := n.describeOrderer(1)
	if want := o.address(13); second.Profile != want || !slices.Contains(o.ports("orderer2"), 13) {
		t.Fatalf("profiles are served at %q, on one of the ports %v; want %s", second.Profile, o.ports("orderer2"), want)
	}
	env := n.ordererEnv(second)
	if !slices.Contains(env, "ORDERER_GENERAL_PROFILE_ADDRESS="+second.Profile) {
		t.Errorf("the environment %v has no address of profiles", env)
	}
	if env[len(env)-1] != "GOGC=100" { // the last value of a variable counts
		t.Errorf("the environment ends with %s, want GOGC=100", env[len(env)-1])
	}
}
