package settings

import (
	"errors"
	"fmt"
	"strings"

	"gopkg.in/yaml.v2"
)

// Duplicates returns an error that names every key of the section, and of what
// encloses it, that is in the orderer's configuration file more than once. The
// orderer's parser silently keeps one of them, so the section that it passes on does
// not show them. An empty name of a file has no duplicates.
func Duplicates(file string) error {
	if file == "" {
		return nil
	}
	content, err := ReadFile(file)
	if err != nil {
		return err
	}
	var all yaml.MapSlice
	if yaml.Unmarshal(content, &all) != nil {
		return nil // the orderer has read it, so it is a file without keys
	}
	d := duplicates{file: file}
	for _, consensus := range d.once("", named(all, "Consensus")) {
		for _, kafka := range d.once("Consensus.", named(consensus, "Kafka")) {
			d.section(Key+".", kafka)
		}
	}
	return errors.Join(d.faults...)
}

// named returns the items of a section that have a name, in any case.
func named(section yaml.MapSlice, name string) (found yaml.MapSlice) {
	for _, item := range section {
		if strings.EqualFold(fmt.Sprint(item.Key), name) {
			found = append(found, item)
		}
	}
	return found
}

// duplicates collects the faults of one file.
type duplicates struct {
	file   string
	faults []error
}

// section checks all keys of a section, whose name ends in a dot.
func (d *duplicates) section(name string, section yaml.MapSlice) {
	seen := map[string]bool{}
	for _, item := range section {
		key := strings.ToLower(fmt.Sprint(item.Key))
		if seen[key] {
			continue
		}
		seen[key] = true
		for _, inner := range d.once(name, named(section, key)) {
			d.section(name+fmt.Sprint(item.Key)+".", inner)
		}
	}
}

// once returns the sections in the items that have one name. If there are several items,
// it adds a fault, and returns none.
func (d *duplicates) once(prefix string, items yaml.MapSlice) (sections []yaml.MapSlice) {
	if len(items) > 1 {
		name := nameShown(fmt.Sprint(items[len(items)-1].Key))
		d.faults = append(d.faults, fmt.Errorf("%s%s is given %d times in %s; the orderer reads only one of them; want it once", prefix, name, len(items), d.file))
		return nil
	}
	for _, item := range items {
		if inner, ok := item.Value.(yaml.MapSlice); ok {
			sections = append(sections, inner)
		}
	}
	return sections
}
