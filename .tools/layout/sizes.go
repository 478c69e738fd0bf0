package main

import (
	"fmt"
	"go/ast"
	"maps"
	"slices"
)

const (
	maxLines   = 2000 // of a package that ships
	maxMethods = 6    // of an interface of narrow
	narrow     = "chain/session"
)

// checkSizes returns a finding for each package that is too long, without tests and generated code.
func checkSizes(ships packages) (found []string) {
	for _, dir := range slices.Sorted(maps.Keys(ships)) {
		lines := 0
		for _, s := range ships[dir] {
			if !s.test() && !ast.IsGenerated(s.tree) {
				lines += s.lines
			}
		}
		if lines > maxLines {
			found = append(found, fmt.Sprintf("%s: the package has %d lines without tests, the limit is %d: split it by subject", dir, lines, maxLines))
		}
	}
	return found
}

// checkInterfaces returns a finding for each interface of the session with too many methods. Methods of
// interfaces that it embeds count there.
func checkInterfaces(all packages) (found []string) {
	for _, s := range all[narrow] {
		ast.Inspect(s.tree, func(n ast.Node) bool {
			t, is := n.(*ast.TypeSpec)
			if !is {
				return true
			}
			if i, is := t.Type.(*ast.InterfaceType); is && methods(i) > maxMethods {
				found = append(found, fmt.Sprintf("%s: the interface %s has %d methods, the limit is %d: split it by subject", s.name, t.Name.Name, methods(i), maxMethods))
			}
			return true
		})
	}
	return found
}

func methods(i *ast.InterfaceType) (count int) {
	for _, f := range i.Methods.List {
		count += len(f.Names)
	}
	return count
}
