package weights

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/spinemask/spinemask/config"
)

// ReadCategories reads the classes of a model from a file, in the order of the file:
//
//   - a COCO data set, whose categories have ids, perhaps compressed by gzip,
//   - JSON: a list of names, or an object with names, classes, id2label or the like, or of names by number,
//   - YAML: the names of an ultralytics data set, a list or by number,
//   - text: a name a line, as labelme and darknet have it.
//
// What it is is told by content. Where there are names only, the ids are 1…N; see [Categories].
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
	if info, err := os.Stat(text); err == nil && info.Mode().IsRegular() {
		return ReadCategories(text)
	} else if err != nil && slices.Contains(nameFiles, strings.ToLower(filepath.Ext(text))) {
		return nil, fmt.Errorf("weights: %w", err)
	}
	list, err := namedCategories(strings.Split(text, ","))
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

// jsonCategories reads the document a token at a time: a data set is larger than its categories.
func jsonCategories(r io.Reader) ([]config.Category, error) {
	d := json.NewDecoder(r)
	open, err := d.Token()
	if err != nil {
		return nil, err
	}
	if open == json.Delim('[') {
		return jsonList(d)
	}
	byNumber := map[int]string{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		key, _ := token.(string)
		number, notNumber := strconv.Atoi(key)
		switch {
		case key == "categories":
			return jsonEntries(d)
		case slices.Contains(nameKeys, key):
			var value any
			if err := d.Decode(&value); err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			if names, ok := namesOf(value); ok {
				return namedCategories(names)
			}
			return nil, fmt.Errorf("%s: want a list of names, or names by number", key)
		case notNumber == nil:
			var name string
			if err := d.Decode(&name); err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			byNumber[number] = name
		default:
			if err := skipValue(d); err != nil {
				return nil, err
			}
		}
	}
	names, ok := inOrder(byNumber)
	if !ok {
		return nil, errors.New("no categories, names or classes in the JSON object")
	}
	return namedCategories(names)
}

// jsonList reads a list of names, or of objects with a name and an id.
func jsonList(d *json.Decoder) ([]config.Category, error) {
	var list []json.RawMessage
	for d.More() {
		var item json.RawMessage
		if err := d.Decode(&item); err != nil {
			return nil, err
		}
		if list = append(list, item); len(list) > maxTexts || len(item) > maxNamesBytes {
			return nil, errors.New("a list of other things than names")
		}
	}
	if _, err := d.Token(); err != nil { // the end of the list
		return nil, err
	}
	names := make([]string, len(list))
	var categories []config.Category
	for i, item := range list {
		if json.Unmarshal(item, &names[i]) == nil {
			continue
		}
		k, err := entry(item)
		if err != nil {
			return nil, fmt.Errorf("item %d: %w", i+1, err)
		}
		categories = append(categories, k)
	}
	if len(categories) > 0 && len(categories) != len(list) {
		return nil, errors.New("names and objects in one list")
	}
	if len(categories) > 0 {
		return categories, nil
	}
	return namedCategories(names)
}

const maxTexts = 1 << 14

// jsonEntries reads the categories of a COCO data set.
func jsonEntries(d *json.Decoder) ([]config.Category, error) {
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return nil, fmt.Errorf("categories: want a list")
	}
	list, err := jsonList(d)
	if err != nil {
		return nil, fmt.Errorf("categories: %w", err)
	}
	return list, nil
}

// entry is a category of a COCO data set. Some programs write ids as floats or texts.
func entry(item []byte) (config.Category, error) {
	var e struct {
		ID   json.Number `json:"id"`
		Name *string     `json:"name"`
	}
	if err := json.Unmarshal(item, &e); err != nil || e.Name == nil {
		return config.Category{}, errors.New("want a name, or an object with a name and an id")
	}
	id, err := strconv.ParseFloat(e.ID.String(), 64)
	if err != nil || id != float64(int(id)) {
		return config.Category{}, fmt.Errorf("id %.64q, want an integer", e.ID)
	}
	return config.Category{ID: int(id), Name: *e.Name}, nil
}

// skipValue passes over the next value.
func skipValue(d *json.Decoder) error {
	depth := 0
	for {
		t, err := d.Token()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('['), json.Delim('{'):
			depth++
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// namesOf takes the names from a list, an object of them by number, or an object of numbers by name.
func namesOf(value any) ([]string, bool) {
	switch v := value.(type) {
	case []any:
		names := make([]string, len(v))
		for i, item := range v {
			var ok bool
			if names[i], ok = item.(string); !ok {
				return nil, false
			}
		}
		return names, len(names) > 0
	case map[string]any:
		byNumber := map[int]string{}
		for key, item := range v {
			switch item := item.(type) {
			case string:
				n, err := strconv.Atoi(key)
				if err != nil {
					return nil, false
				}
				byNumber[n] = item
			case float64:
				byNumber[int(item)] = key
			}
		}
		if len(byNumber) != len(v) {
			return nil, false
		}
		return inOrder(byNumber)
	}
	return nil, false
}

// inOrder lists names whose numbers begin with 0 or 1 and leave none out.
func inOrder(byNumber map[int]string) ([]string, bool) {
	keys := sortedKeys(byNumber)
	if len(keys) == 0 || keys[0] < 0 || keys[0] > 1 || keys[len(keys)-1] != keys[0]+len(keys)-1 {
		return nil, false
	}
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = byNumber[k]
	}
	return names, true
}

// isYAML reports whether a line of the text begins with a key for names.
func isYAML(text []byte) bool {
	for line := range bytes.Lines(text) {
		if key, _, ok := bytes.Cut(line, []byte(":")); ok && slices.Contains(nameKeys, string(key)) {
			return true
		}
	}
	return bytes.HasPrefix(text, []byte("- ")) || bytes.HasPrefix(text, []byte("---"))
}

// yamlCategories reads a YAML document: an object with names, or a list of them.
func yamlCategories(text []byte) ([]config.Category, error) {
	var names []yaml.Node
	if yaml.Unmarshal(text, &names) == nil {
		return yamlList(&yaml.Node{Kind: yaml.SequenceNode, Content: pointers(names)})
	}
	var doc map[string]yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	for _, key := range nameKeys {
		if node, ok := doc[key]; ok {
			list, err := yamlList(&node)
			if err != nil {
				err = fmt.Errorf("%s: %w", key, err)
			}
			return list, err
		}
	}
	return nil, fmt.Errorf("no %s in the YAML", strings.Join(nameKeys, ", "))
}

func pointers(nodes []yaml.Node) []*yaml.Node {
	list := make([]*yaml.Node, len(nodes))
	for i := range nodes {
		list[i] = &nodes[i]
	}
	return list
}

// yamlList takes the text of scalars as it stands: a class may be called 7, yes or null.
func yamlList(node *yaml.Node) ([]config.Category, error) {
	scalar := func(n *yaml.Node) (string, error) {
		if n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		if n.Kind != yaml.ScalarNode {
			return "", fmt.Errorf("line %d: want a name", n.Line)
		}
		return n.Value, nil
	}
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch node.Kind {
	case yaml.SequenceNode:
		var names []string
		for _, item := range node.Content {
			name, err := scalar(item)
			if err != nil {
				return nil, err
			}
			names = append(names, name)
		}
		return namedCategories(names)
	case yaml.MappingNode:
		byNumber := map[int]string{}
		for i := 0; i+1 < len(node.Content); i += 2 {
			number, err := strconv.Atoi(node.Content[i].Value)
			if err != nil {
				return nil, fmt.Errorf("line %d: %.64q, want the number of a class", node.Content[i].Line, node.Content[i].Value)
			}
			if byNumber[number], err = scalar(node.Content[i+1]); err != nil {
				return nil, err
			}
		}
		names, ok := inOrder(byNumber)
		if !ok {
			return nil, fmt.Errorf("line %d: the numbers of the classes are not 0, 1, 2, …", node.Line)
		}
		return namedCategories(names)
	}
	return nil, fmt.Errorf("line %d: want a list of names, or names by number", node.Line)
}
