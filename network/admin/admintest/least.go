package admintest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/golang/protobuf/proto"
	"github.com/hyperledger/fabric/common/ledger/blockledger/fileledger"
	"github.com/hyperledger/fabric/common/metrics/disabled"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/network/admin/command"
)

// Cluster is a secured cluster that denies by default.
type Cluster struct {
	Grant, Revoke func(user string, r Right)
	User          func(command string) string // principal of a command
	Config        func(user string) string    // orderer.yaml by which a user reaches the brokers
}

// work is how a command is run.
type work struct {
	args func() []string // besides --config
	done func()          // called when it has done its work; nil: nothing is to be done
}

// LeastPrivilege shows that each command does its work with its rights on this cluster, and
// that without any one of them it is refused and does no work. channel reads by the
// strict rules, old by the compatible ones; two orderers have published for channel.
func LeastPrivilege(t *testing.T, c Cluster, channel, old *Channel) {
	all := works(t, channel, old)
	for name, rights := range Rights() {
		t.Run(name, func(t *testing.T) {
			w, user := all[name], c.User(name)
			run := func() error {
				args := append([]string{name}, w.args()...)
				if len(rights) > 0 {
					args = append(args, "--config", c.Config(user))
				}
				err := sufficient(t, name, args)
				if err == nil && w.done != nil {
					w.done()
				}
				return err
			}
			if len(rights) > 0 {
				refused(t, "without any right", run)
			}
			for _, r := range rights {
				c.Grant(user, r)
			}
			Eventually(t, "it is done", run)
			for _, r := range rights {
				c.Revoke(user, r)
				refused(t, "without "+r.Op.String(), run)
				c.Grant(user, r)
				Eventually(t, "it is done again", run)
			}
		})
	}
}

// refused waits until a run is refused: a right is lost a moment after it was taken.
func refused(t *testing.T, when string, run func() error) {
	t.Helper()
	Eventually(t, "it is refused "+when, func() error {
		if err := run(); !errors.Is(err, errRefused) {
			return fmt.Errorf("not refused %s, but: %w", when, cmp.Or(err, errDone))
		}
		return nil
	})
}

var (
	errRefused = errors.New("refused")
	errDone    = errors.New("done")
)

// sufficient runs a command and returns errRefused if the rights do not suffice for it.
func sufficient(t *testing.T, name string, args []string) error {
	t.Helper()
	code, out, errs := Run(t, args...)
	switch {
	case code != command.ExitFine && code != command.ExitRefused:
		return fmt.Errorf("exit code %d: %s", code, errs)
	case name == "preflight" && strings.Contains(out, "max.message.bytes") && !strings.Contains(out, "kafka-acls.sh"):
		return nil // the other flaws are the cluster's
	case code == command.ExitRefused, name == "preflight": // what a missing right hides is no flaw
		return fmt.Errorf("%w: %s%s", errRefused, out, errs)
	}
	return nil
}

// works returns how each command is run.
func works(t *testing.T, channel, old *Channel) map[string]work {
	t.Helper()
	read := channel.Serve(t, channel.Blocks(), channel.Blocks())
	fixed := func(args ...string) work { return work{args: func() []string { return slices.Clone(args) }} }
	with := func(name string, flags []string) work { return fixed(append([]string{name}, flags...)...) }
	config, err := proto.Marshal(channel.Config)
	if err != nil {
		t.Fatal(err)
	}
	block := Written(t, "config.block", config)
	kept := channel.Ledger.Height() - 2 // less after each run, so that each deletes a record
	return map[string]work{
		"preflight":     fixed(channel.Name),
		"progress":      fixed(channel.Name),
		"topic":         with(channel.Name, read),
		"repin":         with(channel.Name, read),
		"verify":        with(channel.Name, read),
		"change-type":   with(channel.Name, append(slices.Clone(read), "--dry-run", "--without", "orderer1:7050", "--without", "orderer2:7050")),
		"leave":         fixed(append([]string{"mychannel", "--dry-run"}, NewSharedChannel(t).Flags(t)...)...),
		"upgrade-rules": with(old.Name, old.Serve(t, old.Blocks())),
		"genesis": fixed("--from", Written(t, "solo.block", protoutil.MarshalOrPanic(SoloBlock())), "--brokers", "kafka1:9092",
			"--out", Written(t, "kafka.block", nil)),
		"translate":             fixed("--from", Written(t, "old.yaml", []byte("Kafka: {}\n")), "--out", Written(t, "orderer.yaml", nil)),
		"remove-system-channel": fixed("--ledger", ledgers(t)),
		"prune": {
			args: func() []string {
				return []string{channel.Name, "--config-block", block, "--member", "Org.orderer1", "--member", "Org.orderer2",
					"--keep", strconv.FormatUint(kept, 10)}
			},
			done: func() { kept-- },
		},
	}
}

// ledgers returns a folder with the ledger of an application channel, as a stopped orderer leaves it.
func ledgers(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	f, err := fileledger.New(dir, &disabled.Provider{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l, err := f.GetOrCreate("mychannel")
	if err == nil {
		err = l.Append(SoloBlock())
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
