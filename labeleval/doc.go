// Package labeleval compares label images: maps that give each pixel the number
// of the object that it belongs to, 0 for none, as microscopists mark nuclei and
// cells. Any numbers do, with gaps or without.
//
// [Count] finds in one pass which objects share how many pixels; everything else
// is arithmetic on that sparse table:
//
//	o, err := labeleval.Count(truth, predicted)
//	...
//	s := labeleval.Score(o)
//	fmt.Println(s.At[0].F1(), s.At[0].Accuracy(), s.DSB(), s.Splits)
//
// [Scores.Add] pools images into a data set; where the mean over images is
// wanted, [Mean] takes it.
//
// The numbers are those that papers report, under the definitions of the programs
// that they come from: [Match] is that of stardist's matching, whose accuracy is
// called average precision by StarDist, Cellpose and others, [Scores.DSB] the score
// of the 2018 Data Science Bowl, [Panoptic] the quality of panopticapi.
package labeleval
