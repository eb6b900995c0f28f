package pytorch

import (
	"path"
	"slices"
)

// List is a list of texts beside the tensors that may be the names of the model's classes.
type List struct {
	Name  string // as of a tensor
	Texts []string
}

// listKeys are the keys under which training programs keep the names of classes: CLASSES (mmdetection to 2.x), classes
// (mmdetection 3.x: meta/dataset_meta/classes), thing_classes (Detectron2), id2label (Hugging Face), and what people
// write.
var listKeys = []string{"CLASSES", "classes", "class_names", "thing_classes", "id2label", "names", "labels", "categories"}

// Limits of a list: its depth in the file, and the number of texts, far above every data set.
const (
	maxListDepth = 4
	maxTexts     = 1 << 14
)

// list keeps v if it is a list of texts, or a dictionary of them by number, under a key for names of classes.
func (w *walker) list(name string, v any, depth int) {
	if depth > maxListDepth || !slices.Contains(listKeys, path.Base(name)) {
		return
	}
	var items []any
	switch v := v.(type) {
	case *list:
		items = v.items
	case tuple:
		items = v
	case *dict:
		for i, k := range v.keys {
			if k != int64(i) {
				return
			}
		}
		items = v.values
	}
	if len(items) == 0 || len(items) > maxTexts {
		return
	}
	texts := make([]string, len(items))
	for i, item := range items {
		text, ok := item.(string)
		if !ok {
			return
		}
		texts[i] = text
	}
	w.Lists = append(w.Lists, List{name, texts})
}

// Text is a text beside the tensors that says where a file comes from.
type Text struct {
	Name  string // as of a tensor
	Value string
}

// textKeys are the keys under which programs keep such texts: versions and configs of OpenMMLab's programs, and the author of Detectron2's files.
var textKeys = []string{"mmdet_version", "mmengine_version", "cfg", "config", "exp_name", "experiment_name", "__author__"}

// text keeps v if it is such a text.
func (w *walker) text(name string, v any, depth int) {
	if s, ok := v.(string); ok && depth <= 2 && slices.Contains(textKeys, path.Base(name)) {
		w.Texts = append(w.Texts, Text{name, s})
	}
}
