package bench

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// SideKind is how a side orders.
type SideKind string

// The kinds of sides. The last two are not orderers, but upper bounds for one.
const (
	Kafka  SideKind = "kafka"    // our consenter
	Raft   SideKind = "etcdraft" // Fabric's Raft consenter
	InTree SideKind = "in-tree"  // the Kafka consenter of Fabric 2.5
	Raw    SideKind = "raw"      // sarama alone produces and consumes
	Ledger SideKind = "ledger"   // blocks are appended to Fabric's ledger alone
)

// Side is one of those that are compared.
type Side struct {
	Name string   `json:"name"`
	Kind SideKind `json:"kind"`
	Bin  string   `json:"bin,omitempty"` // folder of its orderer; empty for the binary that the network tool builds
}

// The sides of every run.
var (
	ours   = Side{Name: "ours", Kind: Kafka}
	raft   = Side{Name: "etcdraft", Kind: Raft}
	raw    = Side{Name: "raw sarama", Kind: Raw}
	ledger = Side{Name: "ledger alone", Kind: Ledger}
)

// Sides returns all sides of a run: inTree is the path of Fabric 2.5's orderer, or of its folder, and may be empty;
// others are written as [ParseSide] reads them.
func Sides(inTree string, others []string) ([]Side, error) {
	all := []Side{ours, raft}
	if inTree != "" {
		all = append(all, Side{Name: "in-tree", Kind: InTree, Bin: folder(inTree)})
	}
	var faults []error
	for _, text := range others {
		s, err := ParseSide(text)
		faults = append(faults, err)
		all = append(all, s)
	}
	all = append(all, raw, ledger)
	names := map[string]bool{}
	for _, s := range all {
		if names[s.Name] && s.Name != "" {
			faults = append(faults, fmt.Errorf("two sides are named %q; give each orderer a name of its own", s.Name))
		}
		names[s.Name] = true
	}
	return all, errors.Join(faults...)
}

// ParseSide reads NAME=DIR or NAME=KIND:DIR, where KIND is kafka, etcdraft or in-tree.
func ParseSide(text string) (Side, error) {
	name, bin, ok := strings.Cut(text, "=")
	s := Side{Name: name, Kind: Kafka, Bin: bin}
	if kind, rest, has := strings.Cut(bin, ":"); has {
		s.Kind, s.Bin = SideKind(kind), rest
	}
	known := s.Kind == Kafka || s.Kind == Raft || s.Kind == InTree
	if !ok || name == "" || s.Bin == "" || !known {
		return Side{}, fmt.Errorf("orderer %q names no side; write NAME=DIR or NAME=KIND:DIR, where KIND is kafka, etcdraft or in-tree", text)
	}
	s.Bin = folder(s.Bin)
	return s, nil
}

// folder returns the folder of an orderer that is given by its path or by its folder.
func folder(at string) string {
	if filepath.Base(at) == "orderer" {
		return filepath.Dir(at)
	}
	return at
}

// Does reports whether a side can be measured in a case.
func (s Side) Does(c Case) bool {
	switch s.Kind {
	case Raft: // has neither a topic nor a way to brokers
		return c.Kind == Closed || c.Kind == Rate || c.Kind == Overload || c.Kind == Idle || c.Kind == Policies
	case Raw:
		return c.Kind == Closed || c.Kind == Rate || c.Kind == Delay || c.Kind == Replay
	case Ledger:
		return c.Kind == Replay
	}
	return true
}

// Limit reports whether the side is an upper bound, not an orderer.
func (s Side) Limit() bool { return s.Kind == Raw || s.Kind == Ledger }

// version returns what the side's orderer says of itself, in one line.
func (s Side) version(ctx context.Context, bin string) string {
	if s.Limit() {
		return ""
	}
	if s.Bin != "" {
		bin = s.Bin
	}
	out, err := exec.CommandContext(ctx, filepath.Join(bin, "orderer"), "version").Output()
	if err != nil {
		return err.Error()
	}
	lines := strings.FieldsFunc(strings.TrimPrefix(string(out), "orderer:"), func(r rune) bool { return r == '\n' })
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "; ")
}
