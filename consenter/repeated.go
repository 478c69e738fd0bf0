package consenter

import (
	"errors"
	"fmt"
	"strings"

	"gopkg.in/yaml.v2"
)

// repeated returns an error that names the keys of the section, and those that lead
// to it, which are in the orderer's configuration file more than once. The orderer's
// parser keeps one of them without a word, so that they cannot be told from the
// section that it gives.
func repeated(file string) error {
	if file == "" {
		return nil
	}
	all, err := readFile(file, func(content []byte) (yaml.MapSlice, error) {
		var all yaml.MapSlice
		if yaml.Unmarshal(content, &all) != nil {
			return nil, nil // the orderer has read it, so it is a file without keys
		}
		return all, nil
	})
	if err != nil {
		return err
	}
	r := repetition{file: file}
	for _, consensus := range r.look("", named(all, "Consensus")) {
		for _, kafka := range r.look("Consensus.", named(consensus, "Kafka")) {
			r.section(Key+".", kafka)
		}
	}
	return errors.Join(r.faults...)
}

// named are the items of a section with a name, in any case.
func named(section yaml.MapSlice, name string) (found yaml.MapSlice) {
	for _, item := range section {
		if strings.EqualFold(fmt.Sprint(item.Key), name) {
			found = append(found, item)
		}
	}
	return found
}

type repetition struct {
	file   string
	faults []error
}

// section looks at all keys of a section, whose name ends in a dot.
func (r *repetition) section(name string, section yaml.MapSlice) {
	seen := map[string]bool{}
	for _, item := range section {
		key := strings.ToLower(fmt.Sprint(item.Key))
		if seen[key] {
			continue
		}
		seen[key] = true
		for _, inner := range r.look(name, named(section, key)) {
			r.section(name+fmt.Sprint(item.Key)+".", inner)
		}
	}
}

// look returns the sections that items with one name hold, if it is there once.
func (r *repetition) look(prefix string, items yaml.MapSlice) (sections []yaml.MapSlice) {
	if len(items) > 1 {
		name := nameShown(fmt.Sprint(items[len(items)-1].Key))
		r.faults = append(r.faults, fmt.Errorf("%s%s is given %d times in %s; the orderer reads one of them alone, want it once", prefix, name, len(items), r.file))
		return nil
	}
	for _, item := range items {
		if inner, ok := item.Value.(yaml.MapSlice); ok {
			sections = append(sections, inner)
		}
	}
	return sections
}
