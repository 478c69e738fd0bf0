package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

// pack writes the folders that a peer hands to its builder.
func pack(t *testing.T, kind, connected string) (source, metadata string) {
	t.Helper()
	source, metadata = t.TempDir(), t.TempDir()
	checktest.Must(t, os.WriteFile(filepath.Join(source, connection), []byte(connected), 0o600))
	checktest.Must(t, os.WriteFile(filepath.Join(metadata, "metadata.json"), []byte(`{"type":"`+kind+`","label":"basic_1"}`), 0o600))
	return source, metadata
}

func TestBuildsAPackage(t *testing.T) {
	source, metadata := pack(t, "ccaas", `{"address": "{{.peername}}_basic_ccaas:9999", "dial_timeout": "10s", "tls_required": false}`)
	t.Setenv("CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG", `{"peername":"peer0org1"}`)
	out, release := t.TempDir(), t.TempDir()
	checktest.Must(t, run("detect", []string{source, metadata}))
	checktest.Must(t, run("build", []string{source, metadata, out}))
	checktest.Must(t, run("release", []string{out, release}))
	text, err := os.ReadFile(filepath.Join(release, "chaincode", "server", connection))
	checktest.Must(t, err)
	var got map[string]any
	checktest.Must(t, json.Unmarshal(text, &got))
	if got["address"] != "peer0org1_basic_ccaas:9999" || got["dial_timeout"] != "10s" || got["tls_required"] != false {
		t.Errorf("the peer gets %s", text)
	}
}

func TestRefusesOtherPackages(t *testing.T) {
	if source, metadata := pack(t, "golang", "{}"); run("detect", []string{source, metadata}) == nil {
		t.Error("a package of type golang is accepted")
	}
	for name, connected := range map[string]string{"no address": `{}`, "an unknown reference": `{"address": "{{.peername}}:1"}`, "no JSON": `address`} {
		source, _ := pack(t, "ccaas", connected)
		if run("release", []string{source, t.TempDir()}) == nil {
			t.Errorf("a package with %s is accepted", name)
		}
	}
	for command, folders := range map[string][]string{"detect": {"a"}, "build": {"a", "b"}, "run": {"a", "b"}} {
		if run(command, folders) == nil {
			t.Errorf("%s %q is accepted", command, folders)
		}
	}
}
