package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

func TestMain(m *testing.M) {
	kafkatest.Serve()
	os.Exit(m.Run())
}

// look runs a preflight and returns what it prints, and its error's text.
func look(t *testing.T, p preflight) (out, failure string) {
	t.Helper()
	var b bytes.Buffer
	if err := p.run(t.Context(), &b); err != nil {
		failure = err.Error()
	}
	return b.String(), failure
}

// Any cluster can be looked at, without a network. Each flaw is a line of the
// table, and below it what mends it.
func TestPreflightOfAnyTopic(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Options{Brokers: 3})
	c.Create("mine", 1, map[string]string{"min.insync.replicas": "2", "retention.ms": "1000"})
	p := preflight{brokers: c.Addresses(), topic: "mine", largest: 1 << 20}
	out, failure := look(t, p)
	for _, want := range []string{"flaw     retention.ms", "ok       min.insync.replicas",
		"\nretention.ms: records are deleted by age, read or not.\n  kafka-configs.sh --bootstrap-server " + c.Address() + " --alter --entity-type topics --entity-name mine --add-config retention.ms=-1\n",
		"unknown  clocks", "max.message.bytes=1057792"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in:\n%s", want, out)
		}
	}
	if !strings.Contains(failure, `topic "mine": `) || !strings.Contains(failure, "found a flaw") {
		t.Errorf("failure: %s", failure)
	}

	p.asJSON = true
	out, _ = look(t, p)
	var found []finding
	if err := json.Unmarshal([]byte(out), &found); err != nil || len(found) != 11 {
		t.Fatalf("%d findings, %v:\n%s", len(found), err, out)
	}

	p.topic = "none"
	if _, failure = look(t, p); !strings.Contains(failure, "topic does not exist") || !strings.Contains(failure, "one partition") {
		t.Errorf("no topic: %s", failure)
	}
}

// The brokers are reached as an orderer with that file reaches them, and the
// command ends well when nothing is wrong.
func TestPreflightAsAnOrderer(t *testing.T) {
	config, write := guarded(t, 3)
	p := preflight{topic: "mine", largest: 1 << 20, config: config}

	topic, err := openAs(p.config, p.brokers, p.topic, p.largest)
	if err != nil {
		t.Fatal(err)
	}
	defer topic.Close()
	if err := topic.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	if out, failure := look(t, p); failure != "" || strings.Contains(out, "flaw") {
		t.Errorf("%s\n%s", failure, out)
	}

	write("orderer.yaml", "Consensus: {Kafka: {Colour: red}}")
	if _, failure := look(t, p); !strings.Contains(failure, "Colour is not a key") {
		t.Errorf("a bad file: %s", failure)
	}
}

// guarded starts brokers that want a password, and returns the orderer.yaml of one
// who has it, and what writes files beside that.
func guarded(t *testing.T, brokers int) (config string, write func(name, text string)) {
	t.Helper()
	c := kafkatest.Start(t, kafkatest.Options{Brokers: brokers, Users: map[string]string{"orderer": "secret"}})
	dir := t.TempDir()
	write = func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("password", "secret\n")
	write("orderer.yaml", "General:\n  ListenPort: 7050\nConsensus:\n  WALDir: /x\n  Kafka:\n    Brokers: "+strings.Join(c.Addresses(), ",")+
		"\n    SASL: {Mechanism: PLAIN, User: orderer, PasswordFile: password}\n")
	return filepath.Join(dir, "orderer.yaml"), write
}
