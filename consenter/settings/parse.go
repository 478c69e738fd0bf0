package settings

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Parse reads the section Kafka of the section Consensus, as orderer.yaml
// and the environment gave it; relative files are in dir. Without the section,
// or for a key that is not in it, the default holds. The error names every
// fault: unknown keys, values that are not allowed, values that contradict each
// other, and values that can have no effect. It opens no file.
func Parse(consensus any, dir string) (Config, error) {
	c := Default()
	p := parser{keys: c.keys(dir), given: map[string]bool{}, refused: map[string]bool{}}
	p.consensus(consensus)
	for _, x := range append(c.contradictions(), ineffective(p.keys)...) {
		// What was refused is at its default, which the operator did not ask for.
		if !p.refused[x.between[0]] && !p.refused[x.between[1]] {
			p.faults = append(p.faults, x.fault)
		}
	}
	if len(p.faults) == 0 {
		return c, nil
	}
	slices.Sort(p.faults)
	return c, errors.New(strings.Join(p.faults, "\n"))
}

// parser walks the section and collects faults.
type parser struct {
	keys    []key
	given   map[string]bool // names seen, in lower case
	refused map[string]bool // names of keys whose value is not allowed
	faults  []string
}

func (p *parser) fault(format string, args ...any) {
	p.faults = append(p.faults, fmt.Sprintf(format, args...))
}

// consensus finds the section. The other keys beside it belong to other
// consensus types, unless they are ours at the wrong place.
func (p *parser) consensus(raw any) {
	all, ok := sectionOf(raw)
	if !ok {
		p.fault("Consensus is %s; want a section", shown(raw))
		return
	}
	for name, value := range all {
		switch {
		case strings.EqualFold(name, "Kafka"):
			p.section("", value)
		case p.misplaced(name, value):
			p.fault("Consensus.%s has no effect, since it is no key of %[2]s; move what is meant for the brokers into %[2]s", nameShown(name), Key)
		}
	}
}

// misplaced reports whether a key beside the section is one of ours, or a section
// of them under another name.
func (p *parser) misplaced(name string, value any) bool {
	ours := func(name string) bool {
		return slices.ContainsFunc(members("", p.keys), func(m string) bool { return strings.EqualFold(m, name) })
	}
	if ours(name) || strings.Contains(strings.ToLower(name), "kafka") {
		return true
	}
	all, _ := sectionOf(value)
	for member := range all {
		if ours(member) {
			return true
		}
	}
	return false
}

// section reads a section; its name is empty for the whole, else ends in a dot.
func (p *parser) section(name string, raw any) {
	all, ok := sectionOf(raw)
	if !ok {
		p.fault("%s is %s; want a section", strings.TrimSuffix(Key+"."+name, "."), shown(raw))
		return
	}
	for member, value := range all {
		p.entry(name+member, value)
	}
}

func (p *parser) entry(name string, raw any) {
	lower := strings.ToLower(name)
	if p.given[lower] {
		p.fault("%s.%s is given twice, in upper and lower case; want it once", Key, name)
	}
	p.given[lower] = true
	i := slices.IndexFunc(p.keys, func(k key) bool { return strings.EqualFold(k.name, name) })
	switch {
	case i >= 0:
		p.value(p.keys[i], raw)
	case len(members(name+".", p.keys)) > 0:
		p.section(name+".", raw)
	default:
		p.faults = append(p.faults, unknown(name, p.keys))
	}
}

// value takes one value. A key without one is as good as absent.
func (p *parser) value(k key, raw any) {
	if raw != nil && !k.take(raw) {
		p.refused[k.name] = true
		value := shown(raw)
		if slices.Contains([]string{"SASL.PasswordFile", "SASL.TokenFile", "TLS.PrivateKey"}, k.name) {
			value = "no name of a file" // but maybe what belongs into it
		}
		want := k.want
		if k.name == "Brokers" {
			want += brokerFaults(raw)
		}
		p.fault("%s.%s is %s; want %s", Key, k.name, value, want)
	}
}

// sectionOf takes a map as yaml or JSON decodes it; nothing is an empty section.
func sectionOf(raw any) (map[string]any, bool) {
	switch m := raw.(type) {
	case nil:
		return nil, true
	case map[string]any:
		return m, true
	case map[any]any:
		all := make(map[string]any, len(m))
		for name, value := range m {
			all[fmt.Sprint(name)] = value
		}
		return all, true
	}
	return nil, false
}

// mostShown bounds how much of a value an error repeats.
const mostShown = 80

// shown is a raw value for the operator, unless it could be a secret.
func shown(raw any) string {
	switch v := raw.(type) {
	case string:
		if inline(v) {
			return "a text of several lines"
		}
		if len(v) > mostShown {
			v = v[:mostShown] + "..."
		}
		return strconv.Quote(v)
	case bool, int, float64:
		return fmt.Sprint(v)
	case []any:
		return "a list"
	}
	return "a section"
}
