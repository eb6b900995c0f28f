package dataset

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"
)

// A LabelImagePair is what two folders say about one picture.
type LabelImagePair struct {
	Name            string // of the picture, without its ending, relative to the folders and with slashes
	True, Predicted string // paths of the label images
}

// PairLabelImages finds the label images of two folders and their sub-folders that
// belong together: x.png, x_masks.tif and x_cp_masks.png are of one picture. Where
// pictures lie beside their label images, as Cellpose leaves them, the pictures are
// left out. The order is that of the names in the first folder. It is an error if a
// label image has no partner, or two of a folder belong to one picture.
func PairLabelImages(truth, predicted string) ([]LabelImagePair, error) {
	names, trueOf, err := labelImagesIn(truth)
	if err != nil {
		return nil, err
	}
	predictedNames, predictedOf, err := labelImagesIn(predicted)
	if err != nil {
		return nil, err
	}
	if err := partners(truth, names, trueOf, predicted, predictedOf); err != nil {
		return nil, err
	}
	if err := partners(predicted, predictedNames, predictedOf, truth, trueOf); err != nil {
		return nil, err
	}
	pairs := make([]LabelImagePair, len(names))
	for i, n := range names {
		pairs[i] = LabelImagePair{n, filepath.Join(truth, filepath.FromSlash(trueOf[n])), filepath.Join(predicted, filepath.FromSlash(predictedOf[n]))}
	}
	return pairs, nil
}

// labelImagesIn lists the names of the pictures of which a folder has label images, in
// the order of their files, and the file of each.
func labelImagesIn(folder string) (names []string, file map[string]string, err error) {
	all, err := filesIn(folder)
	if err != nil {
		return nil, nil, fmt.Errorf("dataset: %w", err)
	}
	pairs := pairLabels(all) // label images beside their pictures
	if len(pairs) == 0 {
		pairs = labelsOf(all)
	}
	file = map[string]string{}
	for _, p := range pairs {
		if ext := strings.ToLower(path.Ext(p.label)); ext != ".png" && ext != ".tif" && ext != ".tiff" {
			continue
		}
		dir, base := path.Split(stem(p.label))
		name := dir + withoutEnding(base)
		if other, twice := file[name]; twice {
			return nil, nil, fmt.Errorf("dataset: %s: %s and %s are both label images of %s", folder, other, p.label, name)
		}
		names, file[name] = append(names, name), p.label
	}
	if len(names) == 0 {
		return nil, nil, fmt.Errorf("dataset: %s: no label images (PNG or TIFF) in this folder", folder)
	}
	return names, file, nil
}

// partners reports the label images of a folder that have none in another.
func partners(folder string, names []string, file map[string]string, other string, otherFile map[string]string) error {
	var missing []string
	for _, n := range names {
		if otherFile[n] == "" {
			missing = append(missing, n)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	more := ""
	if n := len(missing) - 1; n > 0 {
		more = fmt.Sprintf(", and %d more are without", n)
	}
	return fmt.Errorf("dataset: %s: no partner %s in %s%s", filepath.Join(folder, filepath.FromSlash(file[missing[0]])), missing[0], other, more)
}
