use super::BenchRow;
use anyhow::anyhow;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::io;

/// Width and height, in pixels.
const SIZE: (u32, u32) = (760, 440);
const FONT: &str = "sans-serif";
/// Colours that stay apart for people who see few of them, on white.
const THROUGHPUT: RGBColor = RGBColor(0, 90, 181);
const MEDIAN: RGBColor = RGBColor(220, 120, 0);
const SLOW: RGBColor = RGBColor(175, 30, 60);
const FOUND: RGBColor = RGBColor(60, 120, 60);
/// Room above the highest point, for the legend.
const HEADROOM: f64 = 1.35;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), DrawingAreaErrorKind<io::Error>>;

/// The runs of a bench as a picture, SVG 1.1: throughput and latency over records in flight, and what a search found.
///
/// # Errors
/// Where it cannot be drawn: there are no rows.
pub fn bench_plot(rows: &[BenchRow], title: &str) -> anyhow::Result<String> {
    if rows.is_empty() {
        return Err(anyhow!("there is nothing to draw"));
    }
    let mut svg = String::new();
    draw(&SVGBackend::with_string(&mut svg, SIZE).into_drawing_area(), rows, title)
        .map_err(|error| anyhow!("cannot draw the plot: {error}"))?;
    Ok(svg)
}

fn draw(area: &Area<'_>, rows: &[BenchRow], title: &str) -> Drawn {
    area.fill(&WHITE)?;
    let mut levels: Vec<&BenchRow> = rows.iter().filter(|row| row.reason.is_none()).collect();
    levels.sort_by_key(|row| row.in_flight);
    // Each step to the right doubles the number in flight.
    let at = |row: &BenchRow| (row.in_flight.max(1) as f64).log2();
    let most = |value: fn(&BenchRow) -> f64| rows.iter().map(value).fold(0.0, f64::max).max(1e-3) * HEADROOM;
    let end = rows.iter().map(at).fold(1.0, f64::max) + 0.25;
    let (rate_max, latency_max) = (most(|row| row.records_per_s), most(|row| row.p95));
    let mut chart = ChartBuilder::on(area)
        .margin(14)
        .caption(title, (FONT, 17))
        .x_label_area_size(44)
        .y_label_area_size(64)
        .right_y_label_area_size(64)
        .build_cartesian_2d(-0.25..end, 0.0..rate_max)?
        .set_secondary_coord(-0.25..end, 0.0..latency_max);
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .bold_line_style(BLACK.mix(0.12))
        .label_style((FONT, 13))
        .axis_desc_style((FONT, 14))
        .x_desc("records in flight")
        .y_desc("records/s")
        .x_labels(steps(end))
        .x_label_formatter(&|x| in_flight(*x))
        .draw()?;
    chart
        .configure_secondary_axes()
        .label_style((FONT, 13))
        .axis_desc_style((FONT, 14))
        .y_desc("latency, ms")
        .draw()?;
    let line = |color: RGBColor| color.stroke_width(2);
    let dots = |color: RGBColor| color.filled().stroke_width(2);
    let key = |color: RGBColor| move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2));
    chart
        .draw_series(points(&levels, |row| (at(row), row.records_per_s), dots(THROUGHPUT)))?
        .label("throughput, records/s (left)")
        .legend(key(THROUGHPUT));
    chart
        .draw_secondary_series(points(&levels, |row| (at(row), row.p50), dots(MEDIAN)))?
        .label("latency p50, ms (right)")
        .legend(key(MEDIAN));
    chart
        .draw_secondary_series(points(&levels, |row| (at(row), row.p95), dots(SLOW)))?
        .label("latency p95, ms (right)")
        .legend(key(SLOW));
    for found in rows.iter().filter(|row| row.reason.is_some()) {
        let x = at(found);
        chart.draw_series([PathElement::new([(x, 0.0), (x, rate_max)], line(FOUND))])?;
        chart.draw_series([Circle::new((x, found.records_per_s), 5, line(FOUND))])?;
        chart.draw_series([words(found, (x, rate_max * 0.02), x > end / 2.0)])?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .margin(8)
        .label_font((FONT, 13))
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.2))
        .draw()?;
    area.present()
}

/// What a search came to, beside its mark: before it where there is no room behind.
fn words<'a>(found: &BenchRow, (x, y): (f64, f64), before: bool) -> Text<'a, (f64, f64), String> {
    let (side, gap) = if before { (HPos::Right, -0.08) } else { (HPos::Left, 0.08) };
    let style = (FONT, 13).into_font().color(&FOUND).pos(Pos::new(side, VPos::Bottom));
    let reason = found.reason.clone().unwrap_or_default();
    Text::new(format!("auto: {reason}"), (x + gap, y), style)
}

/// A line through the rows, with a point at each.
fn points<'a>(
    rows: &[&BenchRow],
    place: impl Fn(&BenchRow) -> (f64, f64),
    style: ShapeStyle,
) -> LineSeries<SVGBackend<'a>, (f64, f64)> {
    LineSeries::new(rows.iter().map(|row| place(row)), style).point_size(4)
}

/// Labels for the powers of two up to here, and no others.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a level's logarithm is 0 to 12")]
fn steps(end: f64) -> usize {
    end as usize + 2
}

/// The number in flight at a place; nothing between the powers of two.
fn in_flight(x: f64) -> String {
    if (x - x.round()).abs() < 1e-6 { format!("{:.0}", x.exp2()) } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::super::bench::tests::{found, measured};
    use super::super::bench_rows;
    use super::*;

    fn drawn(title: &str) -> String {
        let curve = [(1, 5_000, 50), (4, 1_260, 51), (16, 360, 58), (64, 170, 110)];
        let mut runs: Vec<_> = curve.map(|(level, wall, latency)| measured(level, 100, wall, latency)).into();
        runs.push(found(37, 100, 210));
        bench_plot(&bench_rows(&runs), title).expect("drawn")
    }

    /// The names of all elements, each closed where it has to be.
    fn elements(svg: &str) -> Vec<String> {
        let (mut open, mut all) = (Vec::new(), Vec::new());
        for part in svg.split('<').skip(1) {
            let (tag, text) = part.split_once('>').expect("a tag ends");
            assert!(!text.contains('>'), "{text}");
            let name = tag.trim_start_matches('/').split([' ', '\n', '/']).next().unwrap_or_default().to_owned();
            match (tag.starts_with(['?', '!']), tag.starts_with('/'), tag.ends_with('/')) {
                (true, ..) => {}
                (_, true, _) => assert_eq!(open.pop(), Some(name)),
                (_, _, true) => all.push(name),
                _ => {
                    all.push(name.clone());
                    open.push(name);
                }
            }
        }
        assert!(open.is_empty(), "{open:?}");
        all
    }

    #[test]
    fn it_is_well_formed_and_has_its_series() {
        let svg = drawn("openai · fake");
        let elements = elements(&svg);
        let count = |name: &str| elements.iter().filter(|element| *element == name).count();
        assert_eq!(elements[0], "svg");
        assert_eq!(count("circle"), 3 * 4 + 1, "four points a series, and what was found");
        for color in ["#005AB5", "#DC7800", "#AF1E3C", "#3C783C"] {
            assert!(svg.contains(color), "{color}");
        }
        for told in ["records in flight", "records/s", "latency, ms", "auto: settled at 37: +1 slot gained 0.4 %"] {
            assert!(svg.contains(told), "{told}");
        }
    }

    #[test]
    fn a_models_name_is_text_and_no_markup() {
        let svg = drawn("<b>&\"model\"");
        assert!(elements(&svg).iter().all(|name| name != "b"), "{svg}");
        assert!(svg.contains("&lt;b&gt;&amp;"), "{svg}");
    }

    #[test]
    fn without_rows_there_is_nothing_to_draw() {
        assert_eq!(bench_plot(&[], "x").expect_err("nothing").to_string(), "there is nothing to draw");
    }
}
