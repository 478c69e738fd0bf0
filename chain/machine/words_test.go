package machine

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// words are a line of a transcript: a verb, arguments, and options key=value.
// The offset that the line may begin with is the option "@".
type words struct {
	t       *testing.T
	line    string
	verb    string
	args    []string
	options map[string]string
}

func parseWords(t *testing.T, line string) words {
	w := words{t: t, line: line, options: map[string]string{}}
	for _, field := range strings.Fields(line) {
		key, value, option := strings.Cut(field, "=")
		switch {
		case field[0] == '@':
			w.options["@"] = field[1:]
		case option:
			w.options[key] = value
		case w.verb == "":
			w.verb = field
		default:
			w.args = append(w.args, field)
		}
	}
	return w
}

func (w words) check(err error) {
	if err != nil {
		w.t.Fatalf("line %q: %v", w.line, err)
	}
}

func (w words) arg(i int) string {
	if i >= len(w.args) {
		w.t.Fatalf("line %q: wants more words", w.line)
	}
	return w.args[i]
}

func (w words) text(key, otherwise string) string {
	if v, ok := w.options[key]; ok {
		return strings.ReplaceAll(v, "_", " ")
	}
	return otherwise
}

func (w words) number(key string, otherwise int64) int64 {
	v, ok := w.options[key]
	if !ok {
		return otherwise
	}
	if v == "max" {
		return -1 // of ConfigSeq, which is unsigned: the greatest
	}
	n, err := strconv.ParseInt(v, 10, 64)
	w.check(err)
	return n
}

func (w words) limits(otherwise Limits) Limits {
	return Limits{
		MaxMessageCount:   uint32(w.number("count", int64(otherwise.MaxMessageCount))),
		PreferredMaxBytes: uint32(w.number("preferred", int64(otherwise.PreferredMaxBytes))),
		AbsoluteMaxBytes:  uint32(w.number("absolute", int64(otherwise.AbsoluteMaxBytes))),
	}
}

func (w words) class() Class {
	switch w.verb {
	case "normal":
		return Normal
	case "config":
		return Config
	case "regular":
		return Class(w.number("class", 0))
	}
	w.t.Fatalf("line %q: unknown verb", w.line)
	return 0
}

// envelope is of the type that an honest orderer gives to the class.
func (w words) envelope() Envelope {
	size, err := strconv.Atoi(w.arg(1))
	w.check(err)
	honest := int64(typeEndorserTransaction)
	if w.verb == "config" {
		honest = typeConfig
	}
	return Envelope{
		Bytes:   []byte(w.arg(0)),
		Size:    size,
		Channel: w.text("channel", "ours"),
		Type:    int32(w.number("type", honest)),
		Flaw:    w.text("flaw", ""),
	}
}

const typeEndorserTransaction = 3

// description is nil for a plain connect and for one with a flaw.
func (w words) description() *Description {
	_, flawed := w.options["flaw"]
	if flawed || len(w.args)+len(w.options) == 0 || len(w.args) == 0 && len(w.options) == 1 && w.options["@"] != "" {
		return nil
	}
	var genesis []byte
	_, err := fmt.Sscanf(w.text("genesis", "0a0b"), "%x", &genesis)
	w.check(err)
	return &Description{
		FormatVersion: uint32(w.number("format", 1)),
		RuleSet:       RuleSet(w.number("rules", 1)),
		Channel:       w.text("channel", "ours"),
		GenesisHash:   genesis,
	}
}

// effectText is an effect on one line.
func effectText(e Effect) string {
	switch e := e.(type) {
	case WriteBlock:
		return fmt.Sprintf("block %d [%s] at offset %d (%s), cause %s", e.Number, names(e.Envelopes), e.Metadata.Offset, e.Metadata.RuleSet, e.Cause)
	case WriteConfigBlock:
		return fmt.Sprintf("config block %d [%s] at offset %d (%s)", e.Number, e.Envelope.Bytes, e.Metadata.Offset, e.Metadata.RuleSet)
	case Judge:
		return fmt.Sprintf("judge %s %s of offset %d", e.Class, e.Envelope.Bytes, e.Offset)
	case Reproduce:
		return fmt.Sprintf("reproduce %s of offset %d", e.Envelope.Bytes, e.Offset)
	case ArmTimer:
		return fmt.Sprintf("arm timer %d", e.Block)
	case CancelTimer:
		return "cancel timer"
	case Described:
		return fmt.Sprintf("described at offset %d: %s", e.Offset, e.RuleSet)
	case Skip:
		return fmt.Sprintf("skip offset %d, %s: %s", e.Offset, e.Reason, e.Detail)
	case Halt:
		return fmt.Sprintf("halt at offset %d: %s", e.Offset, e.Detail)
	}
	return fmt.Sprintf("unknown effect %T", e)
}

func names(envelopes []Envelope) string {
	var all []string
	for _, e := range envelopes {
		all = append(all, string(e.Bytes))
	}
	return strings.Join(all, " ")
}
