package machine

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
)

// words is a line of a transcript: a verb, arguments, and options key=value.
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
		w.t.Fatalf("line %q: has too few words", w.line)
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

// offset returns a number; "max" and "min" are the limits of what a record can hold.
func (w words) offset(key string) Offset {
	switch w.options[key] {
	case "max":
		return math.MaxInt64
	case "min":
		return math.MinInt64
	}
	return Offset(w.number(key, 0))
}

func (w words) flag(key string, otherwise bool) bool {
	if v, ok := w.options[key]; ok {
		return v == "1"
	}
	return otherwise
}

func (w words) config(otherwise Configured) Configured {
	return Configured{
		Seq:          ConfigSeq(w.number("seq", int64(otherwise.Seq))),
		Limits:       w.limits(otherwise.Limits),
		Resubmission: w.flag("resubmission", otherwise.Resubmission),
	}
}

func (w words) marks() Marks {
	return Marks{
		Processed:   w.offset("processed"),
		Resubmitted: w.offset("resubmitted"),
		Overflow:    w.flag("overflow", false),
		Upgraded:    w.offset("upgraded"),
	}
}

func (w words) lastBlock() BlockInfo {
	return BlockInfo{
		Envelopes: int(w.number("last_count", 0)),
		Bytes:     uint64(w.number("last_bytes", 0)),
		Config:    w.flag("last_config", false),
		Cut:       w.flag("last_cut", false),
	}
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

// envelope returns an envelope of the type that an honest orderer classifies as the record's class.
func (w words) envelope() Envelope {
	size, err := strconv.Atoi(w.arg(1))
	w.check(err)
	honest := int64(typeEndorserTransaction)
	if w.verb == "config" {
		honest = typeConfig
	}
	return Envelope{
		Bytes:      []byte(w.arg(0)),
		Size:       size,
		Channel:    w.text("channel", "ours"),
		Type:       int32(w.number("type", honest)),
		Flaw:       w.text("flaw", ""),
		HeaderFlaw: w.text("header", ""),
		SignerFlaw: w.text("signer", ""),
		Opaque:     w.flag("opaque", false),
		Written:    w.keys("writes", "sets"),
		Policies:   w.keys("sets"),
	}
}

// keys returns the keys that some options name; each letter is a key.
func (w words) keys(options ...string) (keys []StateKey) {
	for _, option := range options {
		for _, letter := range w.options[option] {
			keys = append(keys, StateKey(letter))
		}
	}
	return keys
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
		Topic:         w.text("topic", ""),
	}
}

// effectText returns an effect as one line.
func effectText(e Effect) string {
	switch e := e.(type) {
	case WriteBlock:
		return fmt.Sprintf("block %d [%s] %s, cause %s", e.Number, names(e.Envelopes), metadataText(e.Metadata), e.Cause)
	case WriteConfigBlock:
		return fmt.Sprintf("config block %d [%s] %s", e.Number, e.Envelope.Bytes, metadataText(e.Metadata))
	case Judge:
		return fmt.Sprintf("judge %s %s of offset %d%s", e.Class, e.Envelope.Bytes, e.Offset, checkText(e.Check))
	case ResubmitConfig:
		return fmt.Sprintf("resubmit %s of offset %d at the config in force", e.Envelope.Bytes, e.Offset)
	case Resubmit:
		return fmt.Sprintf("resubmit %s %s as a copy of offset %d", e.Class, e.Envelope.Bytes, e.Offset)
	case ArmTimer:
		return fmt.Sprintf("arm timer %d", e.Block)
	case CancelTimer:
		return "cancel timer"
	case Described:
		return fmt.Sprintf("described at offset %d: %s%s", e.Offset, e.RuleSet, nonEmpty(", topic %s", e.Topic))
	case Skip:
		return fmt.Sprintf("skip offset %d, %s: %s", e.Offset, e.Reason, e.Detail)
	case Halt:
		return fmt.Sprintf("halt at offset %d, %s: %s", e.Offset, e.Cause, e.Detail)
	}
	return fmt.Sprintf("unknown effect %T", e)
}

// metadataText leaves out what is zero.
func metadataText(m Metadata) string {
	return fmt.Sprintf("at offset %d (%s%s%s)", m.Offset, m.RuleSet, nonEmpty(", topic %s", m.Topic), nonEmpty(", %s", m.Marks.String()))
}

func nonEmpty(format, s string) string {
	if s == "" {
		return ""
	}
	return fmt.Sprintf(format, s)
}

func checkText(c Check) string {
	return map[Check]string{CheckBroadcast: " as Broadcast does", CheckWriter: " as the writer does"}[c]
}

func names(envelopes []Envelope) string {
	var all []string
	for _, e := range envelopes {
		all = append(all, string(e.Bytes))
	}
	return strings.Join(all, " ")
}
