package main

import (
	"fmt"
	"slices"
	"strings"
)

// choice is what to run, of what there is. Empty means all.
type choice struct {
	allParts, allVersions []string
	parts, versions       []string
}

// check returns an error for a part or a version that there is not.
func (c choice) check() error {
	for _, p := range c.parts {
		if !slices.Contains(c.allParts, p) {
			return fmt.Errorf("there is no part %q; there are %s", p, strings.Join(c.allParts, ", "))
		}
	}
	for _, v := range c.versions {
		if !slices.ContainsFunc(c.allVersions, func(known string) bool { return of(v, known) }) {
			return fmt.Errorf("there is no version %q; there are %s", v, strings.Join(c.allVersions, ", "))
		}
	}
	return nil
}

// of reports whether a version is a known one, or one of its releases.
func of(version, known string) bool { return version == known || strings.HasPrefix(version, known+".") }

// results are the parts to run, in order: one version after the other.
func (c choice) results() (all []*result) {
	for _, v := range or(c.versions, c.allVersions) {
		for _, p := range or(c.parts, c.allParts) {
			all = append(all, &result{part: p, version: v, fault: "not run"})
		}
	}
	return all
}

// leftOut are the parts and versions that were not chosen.
func (c choice) leftOut() (all []string) {
	if out := without(c.allVersions, c.versions); len(out) > 0 {
		all = append(all, "VERSION is set: nothing ran on "+strings.Join(out, ", "))
	}
	if out := without(c.allParts, c.parts); len(out) > 0 {
		all = append(all, "PART is set: without "+strings.Join(out, ", "))
	}
	return all
}

// without are those of all that no chosen one is of; none if nothing was chosen.
func without(all, chosen []string) (rest []string) {
	for _, a := range all {
		if len(chosen) > 0 && !slices.ContainsFunc(chosen, func(c string) bool { return of(c, a) }) {
			rest = append(rest, a)
		}
	}
	return rest
}

func or(chosen, all []string) []string {
	if len(chosen) > 0 {
		return chosen
	}
	return all
}
