package settings

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/mitchellh/mapstructure"
)

// Parse decodes the section Kafka of the section Consensus, as orderer.yaml and the
// environment gave it; relative files are in dir. Without the section, and for a key
// that is not in it, the default holds. The error names every fault, one per line:
// unknown keys, values that are not allowed, values that contradict each other, and
// values that can have no effect. Parse opens no file.
func Parse(consensus any, dir string) (Config, error) {
	c := Default()
	d := newDecoder(&c, dir)
	d.consensus(consensus)
	for _, x := range append(c.contradictions(), ineffective(d.keys)...) {
		// What was refused is at its default, which the operator did not ask for.
		if !d.refused[x.between[0]] && !d.refused[x.between[1]] {
			d.faults = append(d.faults, x.fault)
		}
	}
	if len(d.faults) == 0 {
		return c, nil
	}
	slices.Sort(d.faults)
	return c, errors.New(strings.Join(d.faults, "\n"))
}

// decoder decodes into one config and collects faults. mapstructure finds the fields;
// its hook checks and converts the values, since an error of mapstructure does not say
// what the operator needs to know.
type decoder struct {
	config  *Config
	keys    []key
	byField map[any]key     // by the pointer to the field
	inner   map[any]string  // names of the inner sections, by the pointer to the field
	given   map[string]bool // names of keys that had a value
	refused map[string]bool // names of keys whose value is not allowed
	faults  []string
}

func newDecoder(c *Config, dir string) *decoder {
	d := &decoder{config: c, keys: keysOf(c, dir), byField: map[any]key{}, inner: map[any]string{}, given: map[string]bool{}, refused: map[string]bool{}}
	for _, k := range d.keys {
		d.byField[k.field.Addr().Interface()] = k
	}
	for f, field := range reflect.ValueOf(c).Elem().Fields() {
		if f.Type.Kind() == reflect.Struct {
			d.inner[field.Addr().Interface()] = f.Name
		}
	}
	return d
}

func (d *decoder) fault(format string, args ...any) {
	d.faults = append(d.faults, fmt.Sprintf(format, args...))
}

// consensus finds the section Kafka. The keys next to it belong to other consensus
// types, unless they are ours in the wrong place.
func (d *decoder) consensus(raw any) {
	all, ok := sectionOf(raw)
	if !ok {
		d.fault("Consensus is %s; want a section", shown(raw))
		return
	}
	for name, value := range all {
		switch {
		case strings.EqualFold(name, "Kafka"):
			d.kafka(value)
		case d.misplaced(name, value):
			d.fault("Consensus.%s has no effect, since it is not in %[2]s; move what is meant for the brokers into %[2]s", nameShown(name), Key)
		}
	}
}

// misplaced reports whether a key next to the section is our own, or a section of them under another
// name.
func (d *decoder) misplaced(name string, value any) bool {
	if d.member("", name) || strings.Contains(strings.ToLower(name), "kafka") {
		return true
	}
	all, _ := sectionOf(value)
	for inner := range all {
		if d.member("", inner) {
			return true
		}
	}
	return false
}

// member reports whether a key or section is directly in a section, whose name ends in
// a dot, or is empty for the whole.
func (d *decoder) member(section, name string) bool {
	return slices.ContainsFunc(members(section, d.keys), func(m string) bool { return strings.EqualFold(m, name) })
}

// kafka decodes the section. A key of an inner section may also be written with a dot:
// the orderer passes TLS.Enabled: true on as it is.
func (d *decoder) kafka(raw any) {
	all, ok := sectionOf(raw)
	if !ok {
		d.fault("%s is %s; want a section", Key, shown(raw))
		return
	}
	whole := map[string]any{}
	for name, value := range all {
		if section, inner, dotted := strings.Cut(name, "."); dotted && d.member("", section) && len(members(section+".", d.keys)) > 0 {
			d.decode(map[string]any{section: map[string]any{inner: value}})
			continue
		}
		whole[name] = value
	}
	d.decode(whole)
}

func (d *decoder) decode(section map[string]any) {
	var seen mapstructure.Metadata
	m, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{Result: d.config, Metadata: &seen, DecodeHook: d.hook})
	if err == nil {
		err = m.Decode(section)
	}
	if err != nil { // a rule returned a value that does not fit its field
		d.fault("%s: %v", Key, err)
	}
	for _, name := range seen.Unused {
		d.unused(name)
	}
}

// unused adds the fault of a name that set nothing: there is no such key, or it is
// there in another case, too.
func (d *decoder) unused(name string) {
	dot := strings.LastIndexByte(name, '.') + 1
	if d.member(name[:dot], name[dot:]) {
		d.twice(name)
		return
	}
	d.faults = append(d.faults, unknown(name, d.keys))
}

func (d *decoder) twice(name string) {
	d.fault("%s.%s is given twice, in two spellings; want it once", Key, name)
}

// hook is called by mapstructure with each value that is given and the field that it is
// for, and returns what to set the field to.
func (d *decoder) hook(from, to reflect.Value) (any, error) {
	raw := from.Interface()
	if !to.CanAddr() {
		return raw, nil
	}
	if k, ok := d.byField[to.Addr().Interface()]; ok {
		return d.value(k, raw), nil
	}
	if name, ok := d.inner[to.Addr().Interface()]; ok {
		return d.section(name, raw), nil
	}
	return raw, nil // the whole, or an element of a list that a rule returned
}

// section returns an inner section as mapstructure expects it.
func (d *decoder) section(name string, raw any) map[string]any {
	all, ok := sectionOf(raw)
	if !ok {
		d.fault("%s.%s is %s; want a section", Key, name, shown(raw))
	}
	return all
}

// value returns what a key is set to: the value that is given, or, if that is not
// allowed, the one that the key has.
func (d *decoder) value(k key, raw any) any {
	if d.given[k.name] {
		d.twice(k.name)
	}
	d.given[k.name] = true
	v, ok := k.rule.parse(raw)
	if !ok {
		d.refuse(k, raw)
		return k.field.Interface()
	}
	k.field.SetZero() // mapstructure would keep the end of a longer list
	return v
}

func (d *decoder) refuse(k key, raw any) {
	d.refused[k.name] = true
	value, want := shown(raw), k.rule.want
	if k.secret {
		value = "not a file name" // but maybe its content
	}
	if k.rule.detail != nil {
		want += k.rule.detail(raw)
	}
	d.fault("%s.%s is %s; want %s", Key, k.name, value, want)
}

// sectionOf returns a section as yaml or JSON decodes it; nothing is an empty section.
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

// maxShown bounds how much of a value an error repeats, in bytes.
const maxShown = 80

// shown returns a raw value for the operator, unless it could be a secret.
func shown(raw any) string {
	switch v := raw.(type) {
	case string:
		if inline(v) {
			return "a text of several lines"
		}
		if len(v) > maxShown {
			v = v[:maxShown] + "..."
		}
		return strconv.Quote(v)
	case bool, int, int64, uint64, float64:
		return fmt.Sprint(v)
	case []any:
		return "a list"
	}
	return "a section"
}
