package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// Without a network, an operator's command names the flags that need none.
func TestOperatorsCommandsWithoutANetwork(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	for says, args := range map[string][]string{
		"with --brokers, --config or --orderer no network is needed": {"progress"},
		"there is no network here":                                   {"topic", "--channel", "mine"},
		"for a channel of another network, give its newest config":   {"prune"},
		"nothing shows which orderers the channel has":               {"prune", "mine", "--brokers", "127.0.0.1:1"},
	} {
		root := rootCommand()
		root.SetArgs(append(args, "--dir", none))
		if err := root.Execute(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("network %s: %v, want %q", strings.Join(args, " "), err, says)
		}
	}
}
