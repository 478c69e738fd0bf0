package settings

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Note is what an operator should know about a key of the in-tree consenter.
type Note struct {
	Key    string // of the old section, such as Kafka.Version
	Text   string // what became of it, and what to do
	Manual bool   // something is left to do before an orderer can use the section
}

// ErrNoInTreeSection is returned by [Translate] for a file that is not the orderer.yaml of an orderer with the
// in-tree consenter.
var ErrNoInTreeSection = errors.New("it has no section Kafka at its top level, as an orderer.yaml of Fabric 1.4 to 2.5 has")

// Translate returns the section Consensus with all of [Sample], its keys set to what the section Kafka of an
// orderer.yaml of Fabric 1.4 to 2.5 has for them. A key that has the value of Fabric's own orderer.yaml was not
// chosen by an operator, and stays as in the sample. The notes name every other key that was not carried over as it
// is, in the order of the old file; they hold no value of a key.
func Translate(orderer []byte) (section []byte, notes []Note, err error) {
	var old, sample yaml.Node
	if err := yaml.Unmarshal(orderer, &old); err != nil {
		return nil, nil, fmt.Errorf("it is not YAML: %w", err)
	}
	from := member(root(&old), "Kafka")
	if from == nil {
		return nil, nil, ErrNoInTreeSection
	}
	if err := yaml.Unmarshal([]byte(Sample), &sample); err != nil {
		panic(fmt.Sprintf("read kafka.yaml: %v", err)) // it is compiled in
	}
	t := &translation{to: member(member(root(&sample), "Consensus"), "Kafka"), values: map[string]*yaml.Node{}}
	t.collect("", from)
	t.carry()
	if section, err = encode(&sample); err != nil {
		return nil, nil, err
	}
	return section, t.notes, nil
}

// Insert returns an orderer.yaml whose Consensus.Kafka is a section that [Translate] returned,
// and that has no section Kafka at its top level. Everything else stays.
func Insert(section, orderer []byte) ([]byte, error) {
	var from, to yaml.Node
	if err := errors.Join(yaml.Unmarshal(section, &from), yaml.Unmarshal(orderer, &to)); err != nil {
		return nil, fmt.Errorf("it is not YAML: %w", err)
	}
	top := root(&to)
	if top == nil || top.Kind != yaml.MappingNode || member(top, "General") == nil {
		return nil, errors.New("it has no section General, as an orderer.yaml has")
	}
	remove(top, "Kafka")
	consensus := member(top, "Consensus")
	switch {
	case consensus == nil:
		top.Content = append(top.Content, text("Consensus"), &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"})
		consensus = member(top, "Consensus")
	case consensus.Tag == "!!null":
		*consensus = yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	case consensus.Kind != yaml.MappingNode:
		return nil, errors.New("its Consensus is not a section")
	}
	remove(consensus, "Kafka")
	consensus.Content = append(consensus.Content, text("Kafka"), member(member(root(&from), "Consensus"), "Kafka"))
	return encode(&to)
}

// translation carries one section Kafka over.
type translation struct {
	to     *yaml.Node
	names  []string              // of the keys of the old section that have a value, in its order
	values map[string]*yaml.Node // by name, as in inTreeKeys
	notes  []Note
}

// collect finds the keys of a section that have a value; prefix ends in a dot, or is empty.
func (t *translation) collect(prefix string, section *yaml.Node) {
	if section.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(section.Content); i += 2 {
		name, value := prefix+section.Content[i].Value, resolved(section.Content[i+1])
		known, isKey := keyOfInTree(name)
		switch {
		case isKey:
			if file := member(value, "File"); file != nil {
				value = file
			}
			if value.Tag != "!!null" && !(value.Kind == yaml.ScalarNode && value.Value == "") {
				t.names, t.values[known] = append(t.names, known), value
			}
		case value.Kind == yaml.MappingNode:
			t.collect(name+".", value)
		default:
			t.note(name, "the in-tree consenter has no such key")
		}
	}
}

// keyOfInTree returns the spelling of a key as Fabric has it; it reads any case.
func keyOfInTree(name string) (string, bool) {
	for known := range inTreeKeys {
		if strings.EqualFold(known, name) {
			return known, true
		}
	}
	return "", false
}

func (t *translation) note(key, format string, args ...any) {
	t.notes = append(t.notes, Note{Key: "Kafka." + key, Text: fmt.Sprintf(format, args...)})
}

func (t *translation) manual(key, format string, args ...any) {
	t.note(key, format, args...)
	t.notes[len(t.notes)-1].Manual = true
}

// carry sets the keys of the new section.
func (t *translation) carry() {
	for _, name := range t.names {
		r, value := inTreeKeys[name], t.values[name]
		switch section, _, _ := strings.Cut(name, "."); {
		case r.fabrics != "" && r.fabrics == value.Value:
		case r.key == "":
			t.note(name, "left out: %s", r.why)
		case section != "TLS" && section != "SASLPlain":
			t.set(r.key, text(value.Value))
		case !t.on(section):
			t.note(name, "left out, since %s.Enabled is not true", section)
		default:
			t.secure(name, r, value)
		}
	}
}

// on reports whether a section of the old file, TLS or SASLPlain, is enabled.
func (t *translation) on(section string) bool {
	value, given := t.values[section+".Enabled"]
	on, err := strconv.ParseBool(scalar(value))
	return given && err == nil && on
}

// secure carries over a key of TLS or SASLPlain.
func (t *translation) secure(name string, r replacement, value *yaml.Node) {
	files := scalars(value)
	inline := slices.ContainsFunc(files, func(s string) bool { return strings.Contains(s, "-----BEGIN") })
	relative := slices.ContainsFunc(files, func(s string) bool { return !filepath.IsAbs(s) })
	switch {
	case name == "SASLPlain.Enabled":
		t.set(r.key, text(r.to))
	case name == "SASLPlain.Password":
		t.manual(name, "not carried over: write it to a file that only the orderer can read, and set %s.%s to its name", Key, r.key)
	case name == "TLS.Enabled", name == "SASLPlain.User":
		t.set(r.key, text(value.Value))
	case inline:
		t.manual(name, "not carried over: it holds PEM text; write that to a file, and set %s.%s to its name", Key, r.key)
	case name == "TLS.RootCAs":
		t.set(r.key, list(files))
		t.relative(name, relative)
	default:
		t.set(r.key, text(value.Value))
		t.relative(name, relative)
	}
}

// relative adds a note about what a relative file name is relative to.
func (t *translation) relative(name string, relative bool) {
	if relative {
		t.manual(name, "carried over: the in-tree consenter read a relative name from its working directory, "+
			"here it is relative to the folder of orderer.yaml; make it absolute")
	}
}

// set sets a key of the new section, whose comments stay.
func (t *translation) set(key string, value *yaml.Node) {
	section := t.to
	parts := strings.Split(key, ".")
	for _, p := range parts[:len(parts)-1] {
		section = member(section, p)
	}
	at := member(section, parts[len(parts)-1])
	at.Kind, at.Tag, at.Value, at.Style, at.Content = value.Kind, value.Tag, value.Value, value.Style, value.Content
}

// root returns the content of a document; nil if it is empty.
func root(document *yaml.Node) *yaml.Node {
	if len(document.Content) == 0 {
		return nil
	}
	return resolved(document.Content[0])
}

func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// member returns a value of a section; nil if the node is not a section, or has no value of that name.
// Fabric's parser reads names in any case.
func member(section *yaml.Node, name string) *yaml.Node {
	if i := find(section, name); i >= 0 {
		return resolved(section.Content[i+1])
	}
	return nil
}

func remove(section *yaml.Node, name string) {
	if i := find(section, name); i >= 0 {
		section.Content = slices.Delete(section.Content, i, i+2)
	}
}

func find(section *yaml.Node, name string) int {
	if section == nil || section.Kind != yaml.MappingNode {
		return -1
	}
	for i := 0; i+1 < len(section.Content); i += 2 {
		if strings.EqualFold(section.Content[i].Value, name) {
			return i
		}
	}
	return -1
}

func scalar(n *yaml.Node) string {
	if n == nil {
		return ""
	}
	return n.Value
}

// scalars returns the texts of a list, or of a single one.
func scalars(n *yaml.Node) (all []string) {
	if n.Kind != yaml.SequenceNode {
		return []string{n.Value}
	}
	for _, c := range n.Content {
		all = append(all, resolved(c).Value)
	}
	return all
}

func text(value string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(value)
	if _, err := strconv.ParseBool(value); err == nil {
		n.Tag = "!!bool" // not quoted
	} else if _, err := strconv.Atoi(value); err == nil {
		n.Tag = "!!int"
	}
	return n
}

func list(values []string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for _, v := range values {
		n.Content = append(n.Content, text(v))
	}
	return n
}

func encode(document *yaml.Node) ([]byte, error) {
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(4)
	if err := errors.Join(e.Encode(document), e.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
