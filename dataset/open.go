package dataset

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spinemask/spinemask/internal/core/imageio"
)

// Options of Open.
type Options struct {
	// Images is the folder of the images, for data sets that do not hold them
	// themselves; "": beside the file.
	Images string
	// Split names the part that is read of a data set that is divided: "train", "val"
	// or "test"; "": that for training, with that for validation as Set.Validation.
	Split string
}

// Open reads a data set. Its kind is told by content: a file of COCO, labelme or
// QuPath's GeoJSON, YOLO's data.yaml, or a folder of any of them, or of pictures with
// label images beside them.
//
// An error means that nothing can be read. What is wrong with single images and objects
// is in Set.Problems; a set with an Error among them is not complete.
func Open(path string, o Options) (*Set, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	if o.Images != "" {
		if st, err := os.Stat(o.Images); err != nil {
			return nil, fmt.Errorf("dataset: %w", err)
		} else if !st.IsDir() {
			return nil, fmt.Errorf("dataset: %s: not a folder of images", o.Images)
		}
	}
	var s *Set
	if st.IsDir() {
		s, err = openFolder(path, o)
	} else {
		s, err = openFile(path, o)
	}
	if err != nil {
		return nil, err
	}
	s.Path = path
	if s.Validation != nil {
		s.Validation.Path = path
	}
	if len(s.Images) == 0 && len(s.Problems) == 0 {
		return nil, fmt.Errorf("dataset: %s: %s without images", path, s.Kind)
	}
	return s, nil
}

func openFile(file string, o Options) (*Set, error) {
	kind, err := KindOf(file)
	if err != nil {
		return nil, err
	}
	switch kind {
	case YOLO:
		return openYOLO(file, o)
	case Labelme:
		return openLabelme([]string{file}, o)
	case GeoJSON:
		return openGeoJSON([]string{file}, o)
	case LabelImages:
		return nil, fmt.Errorf("dataset: %s is a picture: name the folder of the label images", file)
	}
	return openCOCO(file, o) // which names files of other kinds
}

// sniffed is how much of a file its kind is told by.
const sniffed = 64 << 10

// KindOf tells the kind of a data set's file by its beginning, and YOLO's by its name;
// LabelImages is that of a picture, "" none that is known.
func KindOf(file string) (Kind, error) {
	if ext := strings.ToLower(filepath.Ext(file)); ext == ".yaml" || ext == ".yml" {
		return YOLO, nil
	}
	head, err := headOf(file)
	if err != nil {
		return "", fmt.Errorf("dataset: %w", err)
	}
	if kind, readable := imageio.KindOf(head); kind != "" && readable {
		return LabelImages, nil
	}
	has := func(name string) bool { return bytes.Contains(head, []byte(`"`+name+`"`)) }
	switch {
	case has("FeatureCollection") || has("Feature") && has("geometry"):
		return GeoJSON, nil
	case has("shapes") && (has("flags") || has("imagePath") || has("shape_type") || has("imageData")):
		return Labelme, nil
	case has("images") || has("annotations") || has("categories"):
		return COCO, nil
	}
	return "", nil
}

// headOf reads the first bytes of a file, unpacked if gzip packed it.
func headOf(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, sniffed))
	if err != nil {
		return nil, err
	}
	if z, err := gzip.NewReader(bytes.NewReader(head)); err == nil {
		unpacked, err := io.ReadAll(io.LimitReader(z, sniffed))
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		head = unpacked
	}
	return head, nil
}

// readFile reads a file of at most as many bytes as a person's annotations of one picture
// may have, unpacked if gzip packed it.
func readFile(file string) ([]byte, error) {
	const most = 1 << 30
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.EqualFold(filepath.Ext(file), ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return nil, err
		}
	}
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && len(data) > most {
		err = fmt.Errorf("more than %d bytes", most)
	}
	return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), err
}

// openFolder tells what lies in a folder.
func openFolder(folder string, o Options) (*Set, error) {
	names, err := filesIn(folder)
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	files := map[Kind][]string{} // by what they are
	for _, n := range names {
		full := filepath.Join(folder, filepath.FromSlash(n))
		switch ext := strings.ToLower(path.Ext(strings.TrimSuffix(n, ".gz"))); {
		case ext == ".geojson":
			files[GeoJSON] = append(files[GeoJSON], full)
		case ext == ".json":
			kind, err := KindOf(full)
			if err != nil {
				return nil, err
			}
			if kind == "" && !strings.Contains(n, "/") {
				kind = Labelme // a damaged one: it is told when it is read
			}
			files[kind] = append(files[kind], full)
		case (ext == ".yaml" || ext == ".yml") && !strings.Contains(n, "/") && hasNames(full):
			files[YOLO] = append(files[YOLO], full)
		}
	}
	pairs := pairLabels(names)
	if o.Images != "" && len(pairs) == 0 && len(files) == 0 {
		pairs = labelsOf(names)
	}
	if len(pairs) > 0 {
		files[LabelImages] = nil
	}
	if len(files[GeoJSON]) == 0 && len(files[COCO]) == 0 && len(files[LabelImages]) == 0 && len(files[YOLO]) == 0 && len(files[Labelme]) > 0 {
		return openLabelme(files[Labelme], o)
	}
	delete(files, "")
	return openKind(folder, names, files, pairs, o)
}

// openKind opens the one kind that is in a folder.
func openKind(folder string, names []string, files map[Kind][]string, pairs []labelPair, o Options) (*Set, error) {
	var kinds []string
	for k := range files {
		kinds = append(kinds, string(k))
	}
	slices.Sort(kinds)
	if len(kinds) > 1 {
		return nil, fmt.Errorf("dataset: %s holds data sets of several kinds (%s): name the file or the sub-folder of one", folder, strings.Join(kinds, ", "))
	}
	if len(kinds) == 0 {
		return nil, fmt.Errorf("dataset: %s holds no data set: %s; wanted are COCO's JSON, labelme's files, YOLO's data.yaml, label images such as labels/x.png or x_mask.png beside x.jpg, or GeoJSON", folder, content(names))
	}
	kind := Kind(kinds[0])
	list := files[kind]
	switch kind {
	case Labelme:
		return openLabelme(list, o)
	case GeoJSON:
		return openGeoJSON(list, o)
	case LabelImages:
		return openLabels(folder, names, pairs, o)
	}
	if len(list) > 1 {
		return nil, fmt.Errorf("dataset: %s holds %d data sets (%s, %s): name one", folder, len(list), filepath.Base(list[0]), filepath.Base(list[1]))
	}
	if kind == YOLO {
		return openYOLO(list[0], o)
	}
	return openCOCO(list[0], o)
}

// content says in few words what files are in a folder.
func content(names []string) string {
	if len(names) == 0 {
		return "it is empty"
	}
	pictures, labels := 0, 0
	for _, n := range names {
		if isPicture(n) {
			pictures++
		} else if path.Ext(n) == ".txt" {
			labels++
		}
	}
	switch {
	case labels > 0 && pictures > 0:
		return fmt.Sprintf("%d pictures and %d text files without a data.yaml that names the classes", pictures, labels)
	case pictures > 0:
		return fmt.Sprintf("%d pictures without labels", pictures)
	}
	return fmt.Sprintf("%d files, such as %s", len(names), names[0])
}
