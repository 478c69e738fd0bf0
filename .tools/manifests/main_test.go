package main

import (
	"os"
	"path/filepath"
	"testing"
)

// api has two kinds, in the form in which Kubernetes describes its own.
const api = `{"definitions": {
  "Box": {"type": "object", "required": ["spec"],
    "properties": {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "spec": {"$ref": "#/definitions/Spec"}},
    "x-kubernetes-group-version-kind": [{"group": "things.k8s.io", "kind": "Box", "version": "v1"}]},
  "Bag": {"type": "object", "properties": {"apiVersion": {"type": "string"}, "kind": {"type": "string"}},
    "x-kubernetes-group-version-kind": [{"group": "", "kind": "Bag", "version": "v1"}]},
  "Port": {"type": "string", "format": "int-or-string"},
  "Spec": {"type": "object", "properties": {
    "port": {"$ref": "#/definitions/Port"}, "labels": {"type": "object", "additionalProperties": {"type": "string"}}}}
}}`

func TestValidatesStrictly(t *testing.T) {
	schemas := t.TempDir()
	if err := writeSchemas([]byte(api), schemas); err != nil {
		t.Fatal(err)
	}
	const box = "apiVersion: things.k8s.io/v1\nkind: Box\n"
	for document, valid := range map[string]bool{
		box + "spec: {port: 1, labels: {any: name}}":          true,
		box + "spec: {port: http}":                            true,
		"apiVersion: v1\nkind: Bag\n---\n" + box + "spec: {}": true,
		box + "spec: {prot: 1}":                               false,
		box + "spec: {labels: {any: 1}}":                      false,
		box + "specs: {}":                                     false,
		box:                                                   false,
		"apiVersion: v1\nkind: Bag\n---\n" + box + "spec: {x: y}": false,
		"apiVersion: things.k8s.io/v2\nkind: Box\nspec: {}":       false,
		"apiVersion: v1\nkind: Crate\n":                           false,
		"":                                                        false,
	} {
		file := filepath.Join(t.TempDir(), "manifest.yaml")
		if err := os.WriteFile(file, []byte(document), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := validate(file, schemas); (err == nil) != valid {
			t.Errorf("%q is valid: %v, want %v (%v)", document, err == nil, valid, err)
		}
	}
}
