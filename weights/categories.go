package weights

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spinemask/spinemask/config"
)

// nameList is a list of texts in a file, or beside it, that may be the names of its classes.
type nameList struct {
	name  string // where it stands
	texts []string
}

// Categories gives names the ids 1…N, in their order. A first name that means the background, as lists of torchvision and
// TensorFlow have it, is left out; "" and "N/A" stand for a class row that the data set does not use.
func Categories(names []string) []config.Category {
	if len(names) > 0 && slices.Contains(backgroundNames, strings.ToLower(names[0])) {
		names = names[1:]
	}
	list := make([]config.Category, len(names))
	for i, name := range names {
		if strings.EqualFold(name, "N/A") {
			name = ""
		}
		list[i] = config.Category{ID: i + 1, Name: name}
	}
	return list
}

var backgroundNames = []string{"__background__", "_background_", "background", "bg"}

// setCategories names the classes of c: as the options say, else as a list in the file does, else as c has them. An
// error is a number that is not that of the file's classes.
func (f *File) setCategories(c *config.Config, o Options, system System) (from string, err error) {
	if c.Model == config.ModelClassification {
		return f.setClasses(c, o)
	}
	if len(o.Categories) > 0 {
		list, ok := rowsOf(o.Categories, len(c.Categories), system)
		if !ok {
			return "", fmt.Errorf("weights: %s: names: %d given, the file has %d classes", f.name, len(o.Categories), len(c.Categories))
		}
		c.Categories = list
		return "", nil
	}
	for _, l := range f.lists {
		list, err := namedCategories(slices.Clone(l.texts))
		if err != nil || checkNames(list) != nil || len(list) != len(c.Categories) || placeholders(l.texts) {
			continue
		}
		if !sameNames(list, c.Categories) { // else the ids of c are those of the data set
			c.Categories = list
		}
		return l.name, nil
	}
	return "", nil
}

// setClasses is setCategories for a classifier, whose rows have their numbers as ids. Row 0 is the background if all other
// rows have names.
func (f *File) setClasses(c *config.Config, o Options) (from string, err error) {
	set := func(list []config.Category) bool {
		rows := config.NumberedCategories(len(c.Categories))
		first := len(rows) - len(list)
		if first != 0 && first != 1 {
			return false
		}
		rows[0].Name = "background"
		for i, k := range list {
			rows[first+i].Name = k.Name
		}
		c.Categories = rows
		return true
	}
	if len(o.Categories) > 0 {
		if !set(o.Categories) {
			return "", fmt.Errorf("weights: %s: names: %d given, the file has %d classes", f.name, len(o.Categories), len(c.Categories))
		}
		return "", nil
	}
	for _, l := range f.lists {
		if !placeholders(l.texts) && set(Categories(l.texts)) {
			return l.name, nil
		}
	}
	return "", nil
}

// rowsOf puts categories into the n class rows of a system: in their order, but for systems whose rows are the ids of the
// data set, with rows for ids that it does not use. A config does not say whose it is: there the number decides.
func rowsOf(list []config.Category, n int, system System) ([]config.Category, bool) {
	if system == TF1 || system == TF2 || system == Torchvision || system == "" && len(list) != n {
		rows := make([]config.Category, n)
		for i := range rows {
			rows[i].ID = i + 1
		}
		byID := true
		for _, k := range list {
			if byID = k.ID >= 1 && k.ID <= n && rows[k.ID-1].Name == ""; !byID {
				break
			}
			rows[k.ID-1] = k
		}
		if byID {
			return rows, len(list) == n || slices.ContainsFunc(list, func(k config.Category) bool { return k.ID == n })
		}
	}
	return slices.Clone(list), len(list) == n
}

// sameNames reports whether both lists name the same classes in the same order; mmdetection 1.x writes COCO's names with
// "_" for the spaces ("traffic_light").
func sameNames(a, b []config.Category) bool {
	return slices.EqualFunc(a, b, func(a, b config.Category) bool {
		return strings.ReplaceAll(a.Name, "_", " ") == strings.ReplaceAll(b.Name, "_", " ")
	})
}

// placeholder is what Hugging Face's configs call classes without names.
var placeholder = regexp.MustCompile(`^LABEL_\d+$`)

func placeholders(names []string) bool {
	return slices.ContainsFunc(names, placeholder.MatchString)
}

// maxConfigBytes bounds the file that is looked at beside the weights.
const maxConfigBytes = 1 << 20

// labelsBeside reads the names of classes from config.json in the folder of a file, where Hugging Face's programs keep them.
func labelsBeside(file string) []nameList {
	name := filepath.Join(filepath.Dir(file), "config.json")
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() || info.Size() > maxConfigBytes {
		return nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	var c struct {
		Labels json.RawMessage `json:"id2label"`
	}
	if json.Unmarshal(text, &c) != nil {
		return nil
	}
	return listOf("id2label of config.json", c.Labels)
}

// labelsIn reads them from the metadata of a safetensors file, whose values are texts.
func labelsIn(metadata map[string]string) []nameList {
	var lists []nameList
	for _, key := range []string{"id2label", "classes", "CLASSES", "class_names", "thing_classes", "names"} {
		lists = append(lists, listOf(path.Join("metadata", key), []byte(metadata[key]))...)
	}
	return lists
}

// listOf is the list that a JSON text holds, if it is one of names, or an object of them by number.
func listOf(name string, text []byte) []nameList {
	var names []string
	if json.Unmarshal(text, &names) == nil && len(names) > 0 {
		return []nameList{{name, names}}
	}
	var byNumber map[string]string
	if json.Unmarshal(text, &byNumber) != nil || len(byNumber) == 0 {
		return nil
	}
	names = make([]string, len(byNumber))
	for i := range names {
		var ok bool
		if names[i], ok = byNumber[fmt.Sprint(i)]; !ok {
			return nil
		}
	}
	return []nameList{{name, names}}
}
