package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"unicode/utf16"

	"github.com/spinemask/spinemask/internal/command/journal"
	"github.com/spinemask/spinemask/internal/core/imageio"
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
				list = append(list, input{path: stdinName, name: stdinName, source: journal.Source{Bytes: int64(len(data))}, data: data})
				continue
			}
			paths, err := lines("standard input", data)
			if err != nil {
				return nil, err
			}
			if len(paths) == 0 {
				return nil, hinted{fmt.Errorf("nothing came by standard input"), "find photos -name '*.tif' | spinemask segment - -o out"}
			}
			list = append(list, paths...)
		case strings.HasPrefix(arg, "@") && !exists(arg):
			data, err := os.ReadFile(arg[1:])
			if err != nil {
				return nil, reason(arg[1:], err)
			}
			paths, err := lines(arg[1:], data)
			if err != nil {
				return nil, err
			}
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
	data = utf8Of(data)
	head := data[:min(len(data), 64)]
	if kind, _ := imageio.KindOf(head); kind != "" {
		return false
	}
	nul := bytes.IndexByte(head, 0) // find -print0 separates by it, after a path at least
	return nul != 0 && !bytes.ContainsFunc(head, func(r rune) bool { return r > 0 && r < ' ' && r != '\n' && r != '\r' && r != '\t' })
}

// utf8Of gives a text in UTF-8 without a byte-order mark. Text in UTF-16, as PowerShell 5 writes it, is known by its mark.
func utf8Of(data []byte) []byte {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return data[3:]
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		return fromUTF16(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		return fromUTF16(data[2:], binary.BigEndian)
	}
	return data
}

func fromUTF16(data []byte, order binary.ByteOrder) []byte {
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	return []byte(string(utf16.Decode(units)))
}

// lines gives the paths of a list: one a line, or separated by NUL. Empty lines and those that begin with # are left out.
func lines(file string, data []byte) ([]input, error) {
	if !isText(data) && len(data) > 0 {
		return nil, hinted{fmt.Errorf("%s: not a list", file), "a list is a text with a path a line; an image is named without @"}
	}
	data = utf8Of(data)
	if isJSON(data) {
		return nil, hinted{fmt.Errorf("%s: JSON; a list of images has a path a line", file), "jq -r '.[]' takes texts out of a JSON list"}
	}
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
	return list, nil
}

// jsonStart is how JSON begins and no path does: an object with a name in quotes, or a list of objects, lists or texts.
var jsonStart = regexp.MustCompile(`^\s*(\{\s*["}]|\[\s*(["{\]]|\[\s*["{]))`)

func isJSON(data []byte) bool { return jsonStart.Match(data) }
