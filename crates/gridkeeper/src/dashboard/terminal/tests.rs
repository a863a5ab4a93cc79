use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::dashboard::sample;

fn drawn(shown: &Shown, view: &View, (width, height): (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, shown, view)).unwrap();
    terminal.backend().to_string()
}

fn of_bot(shown: &Shown) -> View {
    View::of(shown.bots.keys().next().cloned())
}

fn press(view: &mut View, shown: &Shown, code: KeyCode) -> bool {
    view.press(&KeyEvent::from(code), shown)
}

#[test]
fn all_bots_with_what_is_wrong() {
    let shown = sample::shown(true);
    insta::assert_snapshot!(drawn(&shown, &View::default(), (110, 14)));
}

#[test]
fn one_bot_with_chart_ladder_and_flow() {
    let shown = sample::shown(false);
    insta::assert_snapshot!(drawn(&shown, &of_bot(&shown), (120, 26)));
}

#[test]
fn before_anything_is_read_and_while_nothing_can_be() {
    let mut shown = Shown::default();
    let first = drawn(&shown, &View::default(), (80, 8));
    assert!(first.contains("the records are being read"), "{first}");
    shown.trouble = Some(Failure::refused("nobody answers").at("the store"));
    let later = drawn(&shown, &View::default(), (80, 8));
    assert!(later.contains("cannot be read now: "), "{later}");
    assert!(later.contains("nobody answers"), "{later}");
}

#[test]
fn fits_into_any_terminal() {
    let shown = sample::shown(true);
    for size in [(1, 1), (20, 5), (80, 24), (300, 100)] {
        for view in [View::default(), of_bot(&shown)] {
            assert!(!drawn(&shown, &view, size).is_empty());
        }
    }
}

#[test]
fn keys_open_a_bot_move_along_its_ladder_and_go_back() {
    let shown = sample::shown(false);
    let mut view = View::default();
    assert!(!press(&mut view, &shown, KeyCode::Down));
    assert_eq!(view.row, 0, "there is but one bot");
    assert!(!press(&mut view, &shown, KeyCode::Enter));
    assert_eq!(view, of_bot(&shown));
    assert!(!press(&mut view, &shown, KeyCode::PageUp));
    assert!(!press(&mut view, &shown, KeyCode::Down));
    assert_eq!((view.moved, view.row), (9, 0));
    assert!(!press(&mut view, &shown, KeyCode::Home));
    assert_eq!(view.moved, 0);
    assert!(!press(&mut view, &shown, KeyCode::Esc));
    assert_eq!(view.bot, None);
    assert!(press(&mut view, &shown, KeyCode::Esc));
    assert!(press(&mut view, &shown, KeyCode::Char('q')));
}

#[test]
fn a_line_is_written_for_what_is_new_and_for_nothing_else() {
    let mut shown = sample::shown(false);
    let bot = shown.bots.keys().next().cloned().unwrap();
    let mut lines = Lines::new(false);
    let first = lines.news(&shown, Some(&bot));
    insta::assert_snapshot!(first.join("\n"));
    assert_eq!(lines.news(&shown, Some(&bot)), Vec::<String>::new());
    // The price has moved: no order did anything.
    shown.bots.get_mut(&bot).unwrap().price = None;
    assert_eq!(lines.news(&shown, Some(&bot)), Vec::<String>::new());
    let page = shown.pages.get_mut(&bot).unwrap();
    let mut fill = page.flow.back().unwrap().clone();
    fill.id = "another".to_owned();
    page.flow.push_back(fill);
    let news = lines.news(&shown, Some(&bot));
    let told =
        "wordsbot level 7 order 3: BUY 10 at 1, told by the stream; booked, led to order number 4";
    assert_eq!(news, [told]);
}

#[test]
fn lines_in_json_can_be_read_one_by_one() {
    let shown = sample::shown(true);
    let kinds = Lines::new(true).news(&shown, None);
    let kinds = kinds.iter().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line.as_object().unwrap().keys().next().unwrap().clone()
    });
    assert_eq!(Vec::from_iter(kinds), ["health", "bot"]);
}
