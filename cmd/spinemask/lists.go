package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
)

// stdinName is how an image that came by standard input is called.
const stdinName = "stdin"

// named resolves the arguments that stand for others: @list.txt, and - for standard input, which is one image or a list.
func named(args []string, stdin io.Reader) ([]input, error) {
	var list []input
	for _, arg := range args {
		switch {
		case arg == "-":
			data, err := io.ReadAll(stdin)
			if err != nil {
				return nil, reason("standard input", err)
			}
			if !isText(data) {
				list = append(list, input{path: stdinName, name: stdinName, size: int64(len(data)), data: data})
				continue
			}
			paths := lines(data)
			if len(paths) == 0 {
				return nil, hinted{fmt.Errorf("nothing came by standard input"), "find photos -name '*.tif' | spinemask segment - -o out"}
			}
			list = append(list, paths...)
		case strings.HasPrefix(arg, "@") && !exists(arg):
			data, err := os.ReadFile(arg[1:])
			if err != nil {
				return nil, reason(arg[1:], err)
			}
			paths := lines(data)
			if len(paths) == 0 {
				return nil, fmt.Errorf("%s: the list is empty", arg[1:])
			}
			list = append(list, paths...)
		default:
			list = append(list, input{path: arg})
		}
	}
	return list, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// isText tells a list of paths from an image: all formats of images have control characters in their first bytes.
func isText(data []byte) bool {
	head := data[:min(len(data), 64)]
	nul := bytes.IndexByte(head, 0) // find -print0 separates by it, after a path at least
	return nul != 0 && !bytes.ContainsFunc(head, func(r rune) bool { return r > 0 && r < ' ' && r != '\n' && r != '\r' && r != '\t' }) &&
		!bytes.HasPrefix(head, []byte("\xff")) && !bytes.HasPrefix(head, []byte("\x89")) && !bytes.HasPrefix(head, []byte("GIF8")) &&
		!bytes.HasPrefix(head, []byte("BM")) && !bytes.HasPrefix(head, []byte("RIFF")) && !bytes.HasPrefix(head, []byte("II*")) && !bytes.HasPrefix(head, []byte("MM\x00"))
}

// lines gives the paths of a list: one a line, or separated by NUL. Empty lines and those that begin with # are left out.
func lines(data []byte) []input {
	separator := "\n"
	if bytes.IndexByte(data, 0) >= 0 {
		separator = "\x00"
	}
	var list []input
	for _, line := range strings.Split(string(data), separator) {
		line = strings.TrimSuffix(line, "\r")
		if line != "" && !strings.HasPrefix(line, "#") {
			list = append(list, input{path: line})
		}
	}
	return list
}
