//! The Model Context Protocol: tools, prompts and resources, in both eras, over stdio and HTTP. Only
//! here and below is the protocol named.

pub mod http;
mod prompts;
mod resources;
mod until_end;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, GetPromptRequestParams,
    GetPromptResponse, Implementation, ListPromptsResult, ListResourcesResult, ListToolsResult,
    PaginatedRequestParams, ProgressNotificationParam, ReadResourceRequestParams,
    ReadResourceResponse, ServerCapabilities, ServerConfig, Tool as McpTool, ToolAnnotations,
};
use rmcp::service::{RequestContext, RoleServer, ServerInitializeError};
use rmcp::{ErrorData, ServerHandler, ServiceExt as _};
use serde_json::Value;
use tokio::sync::watch;

use self::until_end::UntilEnd;
use crate::error::Error;
use crate::persona::{Persona, Prompt};
use crate::tools::{Context, TOOLS, Tool};

/// What is logged when nothing else is asked for: the library below speaks of every client that hangs up.
pub const LOG_FILTER: &str = "warn,rmcp=error";

/// How often a call that takes long says what it is at.
const PROGRESS: Duration = Duration::from_secs(2);

/// How long calls may still answer when the client has closed its end: whoever pipes requests in wants the
/// answers out; a client that is gone wants its statements ended.
const LAST_ANSWERS: Duration = Duration::from_millis(400);

/// One server for any number of clients: it keeps no state between calls.
#[derive(Debug, Clone)]
pub struct Server {
    context: Arc<Context>,
    persona: Arc<Persona>,
    prompts: Arc<Vec<Prompt>>,
}

impl Server {
    pub fn new(context: Arc<Context>, persona: Persona) -> crate::error::Result<Self> {
        Ok(Self {
            context,
            persona: Arc::new(persona),
            prompts: Arc::new(Prompt::all()?),
        })
    }

    /// Serves one client on standard input and output, until it hangs up.
    pub async fn serve_stdio(self) -> Result<(), String> {
        let stop = self.context.stop();
        let (input, output) = rmcp::transport::io::stdio_pipes();
        let input = UntilEnd::new(input, move || {
            tokio::spawn(async move {
                tokio::time::sleep(LAST_ANSWERS).await;
                stop.cancel();
            });
        });
        match self.serve((input, output)).await {
            Ok(running) => running
                .waiting()
                .await
                .map(drop)
                .map_err(|error| error.to_string()),
            // A host that looked and went away again.
            Err(ServerInitializeError::ConnectionClosed(_)) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_prompts()
            .enable_resources()
            .build();
        ServerConfig::new(capabilities)
            .with_server_info(
                Implementation::new("database-ops", env!("CARGO_PKG_VERSION"))
                    .with_title("Database Ops")
                    .with_description(env!("CARGO_PKG_DESCRIPTION")),
            )
            .with_instructions(self.persona.digest())
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(
            TOOLS.iter().map(tool).collect(),
        ))
    }

    fn get_tool(&self, name: &str) -> Option<McpTool> {
        crate::tools::find(name).map(tool)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.map_or(Value::Null, Value::Object);
        let (doing, at) = watch::channel("");
        let called = tokio::select! {
            called = self.context.call(&request.name, arguments, &doing) => called,
            () = context.ct.cancelled() => return Err(ErrorData::internal_error("cancelled by the client", None)),
            never = progress(&context, at, self.context.deadline()) => match never {},
        };
        match called {
            Ok(answer) => {
                let mut result = CallToolResult::success(vec![ContentBlock::text(answer.text)]);
                result.structured_content = Some(answer.structured);
                Ok(result.into())
            }
            // A tool that is not there cannot be routed; all else the model can mend.
            Err(error @ Error::UnknownTool { .. }) => {
                Err(ErrorData::invalid_params(error.to_string(), None))
            }
            Err(error) => {
                let message = self.context.message(&request.name, &error);
                Ok(CallToolResult::error(vec![ContentBlock::text(message)]).into())
            }
        }
    }

    async fn list_prompts(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::with_all_items(prompts::list(
            &self.persona,
            &self.prompts,
        )))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        prompts::get(&self.persona, &self.prompts, &request)
    }

    async fn list_resources(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(resources::list(
            &self.persona,
        )))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        resources::read(&self.persona, &request)
    }
}

/// Tells a client that asked for it how far a call is, once it takes long; never ends by itself.
async fn progress(
    context: &RequestContext<RoleServer>,
    at: watch::Receiver<&'static str>,
    deadline: Duration,
) -> Infallible {
    let Some(token) = context.meta.get_progress_token() else {
        return std::future::pending().await;
    };
    let mut elapsed = Duration::ZERO;
    loop {
        tokio::time::sleep(PROGRESS).await;
        elapsed += PROGRESS;
        let message = *at.borrow();
        let report = ProgressNotificationParam::new(token.clone(), elapsed.as_secs_f64())
            .with_total(deadline.as_secs_f64())
            .with_message(message);
        let _ = context.peer.notify_progress(report).await;
    }
}

fn tool(tool: &Tool) -> McpTool {
    // Every tool only looks: nothing is changed, asking twice is the same, and nothing outside is reached.
    let annotations =
        ToolAnnotations::from_raw(None, Some(true), Some(false), Some(true), Some(false));
    McpTool::new(tool.name, tool.description, Arc::new((tool.input)()))
        .with_title(tool.title)
        .with_raw_output_schema(Arc::new((tool.output)()))
        .with_annotations(annotations)
}
