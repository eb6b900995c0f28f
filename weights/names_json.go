package weights

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/spinemask/spinemask/config"
)

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
