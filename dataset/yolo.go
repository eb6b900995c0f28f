package dataset

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/rle"
)

// A yoloData is ultralytics' file about a data set (data/utils.py: check_det_dataset).
type yoloData struct {
	Path  string    `yaml:"path"`
	Train places    `yaml:"train"`
	Val   places    `yaml:"val"`
	Test  places    `yaml:"test"`
	Names yoloNames `yaml:"names"`
	Count int       `yaml:"nc"`
}

// places are folders of images, or files that list them: one, or a list.
type places []string

// UnmarshalYAML implements yaml.Unmarshaler.
func (p *places) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.SequenceNode {
		return n.Decode((*[]string)(p))
	}
	var one string
	err := n.Decode(&one)
	if one != "" {
		*p = places{one}
	}
	return err
}

// yoloNames are the names of the classes, a list, or a map by index.
type yoloNames []string

// UnmarshalYAML implements yaml.Unmarshaler.
func (l *yoloNames) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.SequenceNode {
		return n.Decode((*[]string)(l))
	}
	var byIndex map[int]string
	if err := n.Decode(&byIndex); err != nil {
		return err
	}
	*l = make(yoloNames, len(byIndex))
	for i, name := range byIndex {
		if i < 0 || i >= len(byIndex) {
			return fmt.Errorf("names: index %d of %d names", i, len(byIndex))
		}
		(*l)[i] = name
	}
	return nil
}

// hasNames tells whether a file of YAML names classes, as those of data sets do.
func hasNames(file string) bool {
	d, err := readYOLO(file)
	return err == nil && (len(d.Names) > 0 || d.Count > 0)
}

func readYOLO(file string) (*yoloData, error) {
	data, err := readFile(file)
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	var d yoloData
	if err := yaml.Unmarshal(data, &d); err != nil {
		return nil, fmt.Errorf("dataset: %s: %s", file, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	return &d, nil
}

// openYOLO reads labels of YOLO by the data.yaml that ultralytics takes.
func openYOLO(file string, o Options) (*Set, error) {
	d, err := readYOLO(file)
	if err != nil {
		return nil, err
	}
	if len(d.Names) == 0 && d.Count > 0 && d.Count < 1<<16 {
		d.Names = make(yoloNames, d.Count)
	}
	if len(d.Names) == 0 {
		return nil, fmt.Errorf("dataset: %s: there are no names of classes: not a data.yaml of YOLO", file)
	}
	if d.Count > 0 && d.Count != len(d.Names) {
		return nil, fmt.Errorf("dataset: %s: nc is %d, but there are %d names", file, d.Count, len(d.Names))
	}
	parts := map[string]places{"train": d.Train, "val": d.Val, "test": d.Test}
	split := o.Split
	if split == "" {
		split = "train"
	}
	if len(parts[split]) == 0 && o.Split != "" {
		split = "train" // undivided
	}
	if len(parts[split]) == 0 {
		return nil, fmt.Errorf("dataset: %s: there is no %q, the folder of the images", file, split)
	}
	r := &yoloReader{file: file, data: d, images: o.Images}
	divided := len(d.Val) > 0 && !slices.Equal(d.Val, d.Train)
	together := divided && o.Images != "" && !r.apart()
	r.divided = divided && !together
	s, err := r.part(split, parts[split])
	switch {
	case err != nil || o.Split != "":
	case together:
		s.warn("not-divided", file, "its train and val are no folders in %s: all pictures there are for training", o.Images)
	case divided:
		s.Validation, err = r.part("val", d.Val)
	}
	return s, err
}

type yoloReader struct {
	file, images string
	divided      bool // images has folders for the parts
	data         *yoloData
}

// apart tells whether the folders of train and val are in that of images, and none of them in another.
func (r *yoloReader) apart() bool {
	train, val := r.below(r.data.Train), r.below(r.data.Val)
	for _, a := range train {
		for _, b := range val {
			const end = string(filepath.Separator)
			if strings.HasPrefix(a+end, b+end) || strings.HasPrefix(b+end, a+end) {
				return false
			}
		}
	}
	return train != nil && val != nil
}

// below are the folders of places in another folder of images: images/train is there by that name, or as train. It is nil if one is missing.
func (r *yoloReader) below(where places) (folders []string) {
	for _, place := range where {
		parts := strings.Split(path.Clean("/" + filepath.ToSlash(place))[1:], "/") // without a leading ../
		for len(parts) > 0 && !isFolder(filepath.Join(r.images, filepath.Join(parts...))) {
			parts = parts[1:]
		}
		if len(parts) == 0 {
			return nil
		}
		folders = append(folders, filepath.Join(r.images, filepath.Join(parts...)))
	}
	return folders
}

func isFolder(p string) bool {
	st, err := os.Stat(p)
	return err == nil && st.IsDir()
}

// part reads a part of the data set.
func (r *yoloReader) part(split string, where places) (*Set, error) {
	s := &Set{Kind: YOLO}
	for i, name := range r.data.Names {
		s.Categories = append(s.Categories, Category{ID: i, Name: name})
	}
	pictures, err := r.pictures(split, where)
	if err != nil {
		return nil, err
	}
	if len(pictures) == 0 {
		return nil, fmt.Errorf("dataset: %s: %s: there are no pictures in %s", r.file, split, strings.Join(where, ", "))
	}
	named := map[string]int{}
	for _, p := range pictures {
		named[stem(filepath.Base(p))]++
	}
	labels := 0
	for _, p := range pictures {
		label := r.labelOf(p, named[stem(filepath.Base(p))] == 1)
		if isFile(label) {
			labels++
		}
		s.Images = append(s.Images, Image{Name: filepath.ToSlash(filepath.Base(p)), Path: p, Place: label})
	}
	if labels == 0 {
		return nil, fmt.Errorf("dataset: %s: %s: none of the %d pictures has labels: %s would be those of %s", r.file, split, len(pictures), s.Images[0].Place, s.Images[0].Path)
	}
	s.settle(false)
	for i := range s.Images {
		s.readLabels(&s.Images[i])
	}
	return s, nil
}

// labelOf is the file of labels of a picture, by ultralytics' rule (data/utils.py:
// img2label_paths): the last folder "images" becomes "labels". Of pictures elsewhere labels
// lie in the folder "labels" beside the data.yaml, in the same sub-folders, or in none if
// the picture is the only one of its name.
func (r *yoloReader) labelOf(p string, only bool) string {
	if r.images != "" {
		labels := filepath.Join(filepath.Dir(r.file), "labels")
		flat := filepath.Join(labels, stem(filepath.Base(p))+".txt")
		if rel, err := filepath.Rel(r.images, p); err == nil {
			p = rel
		}
		if file := filepath.Join(labels, stem(p)+".txt"); isFile(file) || !only || !isFile(flat) {
			return file
		}
		return flat
	}
	const images = string(filepath.Separator) + "images" + string(filepath.Separator)
	if i := strings.LastIndex(p, images); i >= 0 {
		p = p[:i] + string(filepath.Separator) + "labels" + p[i+len(images)-1:]
	}
	return stem(p) + ".txt"
}

// pictures lists those of some folders, and of files that list them.
func (r *yoloReader) pictures(split string, where places) (list []string, err error) {
	if r.images != "" {
		folders := []string{r.images}
		if parts := r.below(where); r.divided && parts != nil {
			folders = parts
		}
		for _, f := range folders {
			more, err := picturesUnder(f)
			if err != nil {
				return nil, err
			}
			list = append(list, more...)
		}
		return list, nil
	}
	for _, place := range where {
		at, err := r.find(split, place)
		if err != nil {
			return nil, err
		}
		var more []string
		if isFolder(at) {
			more, err = picturesUnder(at)
			if err != nil {
				return nil, err
			}
		} else if more, err = listed(at); err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	return list, nil
}

// find resolves a place: from "path", which counts from the file itself or else from the
// working directory. A leading "../" too many, as Roboflow writes it, is left out, as
// ultralytics does.
func (r *yoloReader) find(split, place string) (string, error) {
	place = filepath.FromSlash(place)
	here := filepath.Dir(r.file)
	roots := []string{filepath.FromSlash(r.data.Path)}
	if !filepath.IsAbs(r.data.Path) {
		roots = []string{filepath.Join(here, r.data.Path), r.data.Path, here}
	}
	up := ".." + string(filepath.Separator)
	for _, root := range roots {
		for _, p := range []string{place, strings.TrimPrefix(place, up)} {
			if !filepath.IsAbs(p) {
				p = filepath.Join(root, p)
			}
			if _, err := os.Stat(p); err == nil {
				return filepath.Abs(p)
			}
		}
	}
	return "", fmt.Errorf("dataset: %s: %s: there is no %s in %s", r.file, split, place, roots[0])
}

func picturesUnder(folder string) (list []string, err error) {
	names, err := filesIn(folder)
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	for _, n := range names {
		if isPicture(n) {
			list = append(list, filepath.Join(folder, filepath.FromSlash(n)))
		}
	}
	return list, nil
}

// listed reads a file of paths, which count from its folder.
func listed(file string) (list []string, err error) {
	data, err := readFile(file)
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if line = filepath.FromSlash(line); !filepath.IsAbs(line) {
			line = filepath.Join(filepath.Dir(file), line)
		}
		list = append(list, line)
	}
	return list, nil
}

// readLabels reads the objects of a picture, a line each: the index of the class, then
// the box as x and y of its middle, width and height, or an outline x y x y …, as parts of
// the picture's size. No file means no objects.
func (s *Set) readLabels(im *Image) {
	f, err := os.Open(im.Place)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		s.fault("unreadable", im.Place, "%v", plain(err))
		return
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for n := 1; lines.Scan(); n++ {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 {
			continue
		}
		s.addLine(im, fields, fmt.Sprintf("%s: line %d", im.Place, n))
	}
	if err := lines.Err(); err != nil {
		s.fault("unreadable", im.Place, "%v", err)
	}
}

// addLine makes an object of a line of labels.
func (s *Set) addLine(im *Image, fields []string, place string) {
	v := make([]float64, len(fields))
	for i, text := range fields {
		var err error
		if v[i], err = strconv.ParseFloat(text, 64); err != nil {
			s.fault("label-line", place, "%q is no number", text)
			return
		}
	}
	class := int(v[0])
	switch {
	case float64(class) != v[0] || class < 0 || class >= len(s.Categories):
		s.fault("unknown-category", place, "there is no class %s: they count from 0 to %d", fields[0], len(s.Categories)-1)
		return
	case len(v) != 5 && (len(v) < 7 || len(v)%2 == 0):
		s.fault("label-line", place, "%d numbers, want a class and a box of 4 numbers, or an outline of 3 points at least", len(v))
		return
	}
	for i, p := range v[1:] {
		if !(p >= -0.01 && p <= 1.01) { // as ultralytics tolerates it; NaN is not
			s.fault("label-range", place, "coordinate %s lies outside of 0 to 1, as parts of the picture's size", fields[i+1])
			return
		}
	}
	w, h := float64(im.Width), float64(im.Height)
	if len(v) == 5 {
		if v[3] < 0 || v[4] < 0 {
			s.fault("box-size", place, "the box has a width of %s and a height of %s", fields[3], fields[4])
			return
		}
		if v[3] == 0 || v[4] == 0 {
			s.warn("box-size", place, "the box has a width of %s and a height of %s; it is left out", fields[3], fields[4])
			return
		}
		b := box.Box{X1: float32((v[1] - float64(v[3]/2)) * w), Y1: float32((v[2] - float64(v[4]/2)) * h), X2: float32((v[1] + float64(v[3]/2)) * w), Y2: float32((v[2] + float64(v[4]/2)) * h)}
		im.Objects = append(im.Objects, Object{Category: class, Box: b, Place: place})
		return
	}
	xy := v[1:]
	for i := range xy {
		if i%2 == 0 {
			xy[i] *= w
		} else {
			xy[i] *= h
		}
	}
	var m rle.Mask = fillYOLO(xy, im.Height, im.Width)
	if s.filled(m, nil, im, place) {
		im.Objects = append(im.Objects, masked(class, m, place))
	}
}
