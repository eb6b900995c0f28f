package weights

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/spinemask/spinemask/config"
)

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
