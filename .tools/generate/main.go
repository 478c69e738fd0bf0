// Command generate writes the Go code of a .proto file next to it, with the protoc-gen-go that the main
// module's go.mod pins. It stands in for protoc, which is not a Go module, and for buf, which takes
// minutes to compile.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/protoutil"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

func main() {
	log.SetFlags(0)
	root := flag.String("root", "..", "folder of the main module; the .proto files are named relative to it")
	out := flag.String("out", "", "folder to write below (default: root)")
	flag.Parse()
	if *out == "" {
		*out = *root
	}
	for _, file := range flag.Args() {
		if err := generate(context.Background(), *root, *out, file); err != nil {
			log.Fatalf("generate: %v", err)
		}
	}
}

// generate compiles one .proto file that imports no other and writes the generator's output.
func generate(ctx context.Context, root, out, file string) error {
	descriptor, err := compile(ctx, root, file)
	if err != nil {
		return err
	}
	response, err := runGenerator(ctx, root, &pluginpb.CodeGeneratorRequest{
		FileToGenerate: []string{file},
		Parameter:      proto.String("paths=source_relative"),
		ProtoFile:      []*descriptorpb.FileDescriptorProto{descriptor},
	})
	if err != nil {
		return fmt.Errorf("protoc-gen-go of %s: %w", file, err)
	}
	for _, f := range response.GetFile() {
		if err := write(filepath.Join(out, f.GetName()), f.GetContent()); err != nil {
			return err
		}
	}
	return nil
}

func compile(ctx context.Context, root, file string) (*descriptorpb.FileDescriptorProto, error) {
	compiler := protocompile.Compiler{
		Resolver:       &protocompile.SourceResolver{ImportPaths: []string{root}},
		SourceInfoMode: protocompile.SourceInfoStandard, // comments go into the code
	}
	files, err := compiler.Compile(ctx, file)
	if err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	return protoutil.ProtoFromFileDescriptor(files[0]), nil
}

func runGenerator(ctx context.Context, root string, request *pluginpb.CodeGeneratorRequest) (*pluginpb.CodeGeneratorResponse, error) {
	in, err := proto.Marshal(request)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "go", "tool", "protoc-gen-go")
	cmd.Dir, cmd.Stdin, cmd.Stderr = root, bytes.NewReader(in), os.Stderr
	stdout, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	response := &pluginpb.CodeGeneratorResponse{}
	if err := proto.Unmarshal(stdout, response); err != nil {
		return nil, err
	}
	if response.Error != nil {
		return nil, fmt.Errorf("%s", response.GetError())
	}
	return response, nil
}

func write(path, content string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(content), 0o644)
}
