package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
)

// ledgerHash is that of a block of a ledger that forked from others at a block.
func ledgerHash(number, forkedAt uint64) log.BlockHash {
	header := bytes.Repeat([]byte{byte(number)}, 32)
	if number >= forkedAt {
		header[0] ^= 0xff
	}
	return log.NewBlockHash(number, header)
}

// hashed is what an orderer publishes whose ledger ends at a block and forked at another.
func hashed(name string, last, forkedAt uint64) log.Progress {
	p := log.Progress{Member: "orderers." + name, Next: 7, Block: last, At: time.Now(), Rules: "strict", ConfigSeq: 2, Config: "abc"}
	for _, n := range log.Checkpoints(last) {
		p.Hashes = append(p.Hashes, ledgerHash(n, forkedAt))
	}
	return p
}

const never = 1 << 40 // when a ledger forks that does not

// progressOf runs the command as an orderer with that file.
func progressOf(t *testing.T, config, channel string) (r progressReport, table, failure string) {
	t.Helper()
	p := publications{preflight: preflight{config: config, topic: channel, largest: 1 << 20}, prefix: "orderers", now: time.Now()}
	var text, encoded bytes.Buffer
	if err := p.run(t.Context(), &text); err != nil {
		failure = err.Error()
	}
	p.asJSON = true
	if err := p.run(t.Context(), &encoded); (err == nil) != (failure == "") {
		t.Errorf("as JSON: %v; as a table: %s", err, failure)
	}
	if encoded.Len() > 0 {
		if err := json.Unmarshal(encoded.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
	}
	return r, text.String(), failure
}

// Orderers at different heights are compared by what they publish alone.
func TestProgress(t *testing.T) {
	config, _ := guarded(t, 3)
	topic := topicOf(t, config, "mine")
	say := func(all ...log.Progress) {
		t.Helper()
		for _, p := range all {
			if err := topic.Publish(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, _, failure := progressOf(t, config, "mine"); !strings.Contains(failure, "no orderer has published") {
		t.Errorf("before anybody has published: %q", failure)
	}
	say(hashed("Org.a", 100, never), hashed("Org.b", 97, never), hashed("Org.c", 33, never))
	r, table, failure := progressOf(t, config, "mine")
	if failure != "" || len(r.Orderers) != 3 || r.Compared != 3 || len(r.Contradictions)+len(r.Silent) != 0 {
		t.Errorf("%q, %+v", failure, r)
	}
	if b := r.Orderers[1]; b.Orderer != "Org.b" || b.Block != 97 || b.Hash != ledgerHash(97, never).Hash || b.Offset != 7 || b.Rules != "strict" || b.At == "" || b.Age > 600 {
		t.Errorf("got %+v", b)
	}
	if !strings.Contains(table, "3 of 3 pairs of orderers compared, 0 contradict each other") || !strings.Contains(table, ledgerHash(33, never).Hash) {
		t.Errorf("table:\n%s", table)
	}

	say(hashed("Org.b", 99, 60)) // it shares 96 and 80 with a, and 0 and 16 with c
	r, table, failure = progressOf(t, config, "mine")
	want := contradiction{[2]string{"Org.a", "Org.b"}, 80, [2]string{ledgerHash(80, never).Hash, ledgerHash(80, 60).Hash}}
	if !slices.Equal(r.Contradictions, []contradiction{want}) || r.Compared != 3 {
		t.Errorf("got %+v, want %+v", r.Contradictions, want)
	}
	for _, text := range []string{failure, table} {
		if !strings.Contains(text, "Org.a and Org.b") || !strings.Contains(text, "block 80") {
			t.Errorf("it does not say which orderers and block: %s", text)
		}
	}
}

// What somebody else has committed is shown as far as a terminal can bear it, and who
// publishes no hashes is compared with nobody.
func TestProgressOfStrangers(t *testing.T) {
	config, _ := guarded(t, 3)
	topic := topicOf(t, config, "mine")
	old := hashed("Org.old", 20, never)
	old.Hashes = nil
	escape := hashed("Org.\x1b[2Jx", 20, never)
	red := hashed("Org.red", 20, never)
	red.Rules = "strict\x1b[31m"
	garbage := hashed("Org.z", 20, never)
	garbage.Config, garbage.Hashes = "abc hashes=20:zz,,:", nil
	reset := log.Progress{Member: "orderers.Org.reset", Next: 3}
	for _, p := range []log.Progress{hashed("Org.a", 20, never), old, escape, red, garbage, reset} {
		if err := topic.Publish(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	r, table, failure := progressOf(t, config, "mine")
	if failure != "" || len(r.Orderers) != 6 || r.Compared != 1 || !slices.Equal(r.Silent, []string{"Org.old", "Org.red", "Org.reset", "Org.z"}) {
		t.Errorf("%q, %+v", failure, r)
	}
	if strings.ContainsRune(table, 0x1b) || !strings.Contains(table, "1 of 15 pairs") || !strings.Contains(table, "Org.old publishes no hashes") {
		t.Errorf("table:\n%q", table)
	}

	if _, _, failure := progressOf(t, config, "none"); !strings.Contains(failure, "does not exist") {
		t.Errorf("no topic: %q", failure)
	}
	c := rootCommand()
	c.SetArgs([]string{"--dir", filepath.Join(t.TempDir(), "none"), "progress"})
	if err := c.Execute(); err == nil || !strings.Contains(err.Error(), "--brokers") {
		t.Errorf("no network: %v", err)
	}
}
