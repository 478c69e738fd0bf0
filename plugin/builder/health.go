package main

import (
	"fmt"
	"go/ast"
	"go/token"
)

// operations makes the operations system, which takes checks for /healthz.
const operations = "newOperationsSystem"

// healthName is the variable of the patched main that holds it.
const healthName = "kafkaHealth"

// health keeps the operations system for the function that registers the plugin,
// which is not given it, and returns the field that hands it over. A main that makes
// none needs nothing: the plugin then refuses the setting that asks for a check.
func (m *orderermain) health(tree *ast.File) (edits []edit, field string) {
	for _, d := range tree.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		for _, s := range f.Body.List {
			name, ok := operationsSystem(s)
			if !ok {
				continue
			}
			return []edit{
				{m.offset(s.End()), fmt.Sprintf("\n%s = %s", healthName, name)},
				{m.offset(startOf(f)), fmt.Sprintf("var %s %s.HealthRegistry\n\n", healthName, pluginAlias)},
			}, ", Health: " + healthName
		}
	}
	return nil, ""
}

// startOf is where a function begins, with what is said of it.
func startOf(f *ast.FuncDecl) token.Pos {
	if f.Doc != nil {
		return f.Doc.Pos()
	}
	return f.Pos()
}

// operationsSystem returns the name in a statement name := newOperationsSystem(...).
func operationsSystem(s ast.Stmt) (string, bool) {
	a, ok := s.(*ast.AssignStmt)
	if !ok || len(a.Lhs) != 1 || len(a.Rhs) != 1 {
		return "", false
	}
	name, named := a.Lhs[0].(*ast.Ident)
	call, ok := a.Rhs[0].(*ast.CallExpr)
	if !ok || !named {
		return "", false
	}
	made, ok := call.Fun.(*ast.Ident)
	return name.Name, ok && made.Name == operations
}
