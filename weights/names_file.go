package weights

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/spinemask/spinemask/config"
)

// ReadCategories reads the classes of a model from a file, in the order of the file:
//
//   - a COCO data set, whose categories have ids, perhaps compressed by gzip,
//   - JSON: a list of names, or an object with names, classes, id2label or the like, or of names by number,
//   - YAML: the names of an ultralytics data set, a list or by number,
//   - text: a name a line, as labelme and darknet have it.
//
// The content of the file tells which it is. Where there are names only, the ids are 1…N; see [Categories].
func ReadCategories(file string) ([]config.Category, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	}
	defer f.Close()
	list, err := readCategories(f)
	if err == nil {
		err = checkNames(list)
	}
	if err != nil {
		return nil, fmt.Errorf("weights: %s: %w", filepath.ToSlash(file), err)
	}
	return list, nil
}

// ParseCategories takes what a person gives as names: a file for [ReadCategories], or names with commas between them.
func ParseCategories(text string) ([]config.Category, error) {
	if info, err := os.Stat(text); err == nil && !info.IsDir() {
		return ReadCategories(text)
	} else if err != nil && slices.Contains(nameFiles, strings.ToLower(filepath.Ext(text))) {
		return nil, fmt.Errorf("weights: %w", err)
	}
	names := strings.Split(text, ",")
	list, err := namedCategories(names)
	if i := slices.Index(names, ""); err == nil && i >= 0 {
		err = fmt.Errorf("name %d of %d is empty", i+1, len(names))
	}
	if err == nil {
		err = checkNames(list)
	}
	if err != nil {
		return nil, fmt.Errorf("weights: names: %w", err)
	}
	return list, nil
}

// nameFiles are the ends of names of files: a text with one of them is not the name of a class.
var nameFiles = []string{".txt", ".json", ".yaml", ".yml", ".names", ".gz"}

// checkNames wants names, each once.
func checkNames(list []config.Category) error {
	if len(list) == 0 {
		return errors.New("no names")
	}
	seen := map[string]bool{}
	for _, k := range list {
		if k.Name != "" && seen[k.Name] {
			return fmt.Errorf("the name %.64q is there twice", k.Name)
		}
		seen[k.Name] = true
	}
	return nil
}

// Limits of a file of names that is not a data set: far above the 16,384 classes that a config may have.
const (
	maxNamesBytes = 4 << 20
	maxNameBytes  = 256
)

func readCategories(r io.Reader) ([]config.Category, error) {
	in := bufio.NewReader(r)
	if head, _ := in.Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, err
		}
		in = bufio.NewReader(z)
	}
	head, _ := in.Peek(3)
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) {
		text, err := fromUTF16(in)
		if err != nil {
			return nil, err
		}
		in = bufio.NewReader(strings.NewReader(text))
	} else if bytes.HasPrefix(head, []byte("\ufeff")) {
		if _, err := in.Discard(3); err != nil {
			return nil, err
		}
	}
	for { // the first character tells JSON
		c, _, err := in.ReadRune()
		if err == io.EOF {
			return nil, errors.New("the file is empty")
		}
		if err != nil {
			return nil, err
		}
		if unicode.IsSpace(c) {
			continue
		}
		if err := in.UnreadRune(); err != nil {
			return nil, err
		}
		if c == '{' || c == '[' {
			return jsonCategories(in)
		}
		break
	}
	text, err := limited(in)
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(text) || bytes.ContainsRune(text, 0) {
		return nil, errors.New("not a text: want names, one a line, JSON or YAML")
	}
	if isYAML(text) {
		return yamlCategories(text)
	}
	return textCategories(string(text))
}

func limited(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxNamesBytes+1))
	if err == nil && len(text) > maxNamesBytes {
		err = fmt.Errorf("more than %d bytes: no list of names", maxNamesBytes)
	}
	return text, err
}

func fromUTF16(r io.Reader) (string, error) {
	b, err := limited(r)
	if err != nil {
		return "", err
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = uint16(b[2*i]) | uint16(b[2*i+1])<<8
		if b[0] == 0xfe {
			units[i] = uint16(b[2*i+1]) | uint16(b[2*i])<<8
		}
	}
	return string(utf16.Decode(units[1:])), nil
}

// textCategories takes a name from each line; labelme's first lines are none. A single line may list names with commas.
func textCategories(text string) ([]config.Category, error) {
	var names []string
	for line := range strings.Lines(text) {
		name := strings.TrimSpace(line)
		if name == "" || name == "__ignore__" {
			continue
		}
		names = append(names, name)
	}
	if len(names) == 1 {
		names = strings.Split(names[0], ",")
	}
	return namedCategories(names)
}

// namedCategories checks names that a person wrote.
func namedCategories(names []string) ([]config.Category, error) {
	for i, name := range names {
		names[i] = strings.TrimSpace(name)
		switch {
		case len(name) > maxNameBytes:
			return nil, fmt.Errorf("name %d: %d bytes, at most %d", i+1, len(name), maxNameBytes)
		case strings.ContainsFunc(names[i], unicode.IsControl):
			return nil, fmt.Errorf("name %d: %.64q holds control characters", i+1, names[i])
		}
	}
	return Categories(names), nil
}

// nameKeys are the keys of JSON objects, and of YAML, that hold names.
var nameKeys = []string{"names", "classes", "CLASSES", "class_names", "thing_classes", "id2label", "label2id", "labels"}
